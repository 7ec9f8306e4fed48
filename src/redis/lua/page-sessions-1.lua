--[[
  One page of a tenant's sessions, newest first: walks the driving index and keeps what all other indexes hold too.

  KEYS  1 driving index
        2… further indexes, all of which must hold a member for it to be kept
  ARGV  1 member to start below (exclusive), '' for the newest  2 page size  3 how many members to look at, at most

  Returns { lastLookedAt | '', member, member, … }; lastLookedAt is '' when the index has been walked to its end.
]]
local from = ARGV[1] == '' and '+' or '(' .. ARGV[1]
local limit, budget = tonumber(ARGV[2]), tonumber(ARGV[3])
local STEP = 200
local page = { '' }
while budget > 0 do
  local members = redis.call('ZRANGE', KEYS[1], from, '-', 'BYLEX', 'REV', 'LIMIT', 0, math.min(STEP, budget))
  if #members == 0 then
    return page
  end
  for _, member in ipairs(members) do
    local kept = true
    for i = 2, #KEYS do
      if not redis.call('ZSCORE', KEYS[i], member) then
        kept = false
        break
      end
    end
    if kept then
      page[#page + 1] = member
      if #page > limit then
        page[1] = member
        return page
      end
    end
    from = '(' .. member
  end
  budget = budget - #members
end
page[1] = string.sub(from, 2)
return page
