--[[
  One page of a tenant's sessions or contexts, newest first. The smallest set that a member must be in drives the walk:
  the whole index, or the union of the sets of one filter. All other filters are checked member by member. A budget
  bounds the cost of the walk: a filter that matches nothing gives short pages instead of blocking the server. A set and
  its blocks count as one.

  KEYS  1 index of all
        2… the sets of the filters, one filter after the other
  ARGV  1 member, or beginning of one, to start below; '' for the newest
        2 beginning of a member to stop above; '' for the oldest  3 page size
        4 budget: about how many members to look at and sets to check, together
        5… one for each filter: how many sets it has; negative if a member must be in none of them, else it must be in
           one. The sets of a filter that must hold exclude each other.

  Returns { lastLookedAt | '', member, member, … }; lastLookedAt is '' when the index has been walked to its end.
]]
--- @include "blocks"
local from = ARGV[1] == '' and '+' or '(' .. ARGV[1]
local stop = ARGV[2] == '' and '-' or '[' .. ARGV[2]
local limit, budget = tonumber(ARGV[3]), tonumber(ARGV[4])
local STEP, STEP_MIN = 200, 10

local hasBlocks = {}
-- As if all blocks were full: what matters is which set is much smaller than another.
local function sizeOf(set)
  local blocks = redis.call('ZCARD', directoryOf(set))
  hasBlocks[set] = blocks > 0
  return redis.call('ZCARD', set) + blocks * BLOCK_MAX
end

local filters = {}
local drivers, driversSize, drivenBy = { KEYS[1] }, sizeOf(KEYS[1]), nil
local position = 2
for i = 5, #ARGV do
  local count = tonumber(ARGV[i])
  local filter = { wanted = count > 0, sets = {} }
  local size = 0
  for _ = 1, math.abs(count) do
    filter.sets[#filter.sets + 1] = KEYS[position]
    size = size + sizeOf(KEYS[position])
    position = position + 1
  end
  filters[#filters + 1] = filter
  if filter.wanted and size < driversSize then
    drivers, driversSize, drivenBy = filter.sets, size, filter
  end
end

-- Newest first, then by bytes, as BYLEX sorts: Lua would compare strings by the server's locale.
local times = {}
local function timeOf(member)
  local time = times[member]
  if not time then
    time = tonumber(string.sub(member, 1, 12), 16)
    times[member] = time
  end
  return time
end
local function isNewer(a, b)
  local timeA, timeB = timeOf(a), timeOf(b)
  if timeA ~= timeB then
    return timeA > timeB
  end
  for i = 13, math.max(#a, #b) do
    local byteA, byteB = string.byte(a, i) or -1, string.byte(b, i) or -1
    if byteA ~= byteB then
      return byteA > byteB
    end
  end
  return false
end

-- The block of each set in which a member was looked up last. The walk goes down, so what follows is in it or below.
local lookedAt = {}
local function isInBlocks(set, member)
  local last = lookedAt[set]
  if last and last.members then
    if last.members[member] then
      return true
    end
    if last.bound == '' or not isNewer(last.bound, member) then
      return false
    end
  end
  budget = budget - 2
  local bound = boundBelow(set, member)
  if not bound then
    return false
  end
  if not last or last.bound ~= bound then
    lookedAt[set] = { bound = bound }
    return redis.call('ZSCORE', blockOf(set, bound), member)
  end
  -- The second one in this block: reading it at once is cheaper than asking for each.
  budget = budget - BLOCK_MAX / 8
  last.members = {}
  for _, each in ipairs(redis.call('ZRANGE', blockOf(set, bound), 0, -1)) do
    last.members[each] = true
  end
  return last.members[member]
end

local function isMember(set, member)
  budget = budget - 1
  return redis.call('ZSCORE', set, member) or hasBlocks[set] and isInBlocks(set, member)
end

local function isKept(member)
  for _, filter in ipairs(filters) do
    if filter ~= drivenBy then
      local isIn = false
      for _, set in ipairs(filter.sets) do
        if isMember(set, member) then
          isIn = true
          break
        end
      end
      if isIn ~= filter.wanted then
        return false
      end
    end
  end
  return true
end

-- The next members of the union, newest first, and whether there may be more. A set that returned
-- a full step may continue below its last member, so the union is complete only down to the highest such member.
local isAnyKept = #filters == (drivenBy and 1 or 0)
local step = isAnyKept and #drivers == 1 and limit + 1 or math.max(STEP_MIN, math.floor(STEP / #drivers))
local function nextMembers()
  local members, floor, parts = {}, nil, 0
  local function add(part)
    parts = parts + math.min(#part, 1)
    for _, member in ipairs(part) do
      members[#members + 1] = member
    end
    if #part == step and (not floor or isNewer(part[#part], floor)) then
      floor = part[#part]
    end
  end
  for _, driver in ipairs(drivers) do
    local part = redis.call('ZRANGE', driver, from, stop, 'BYLEX', 'REV', 'LIMIT', 0, step)
    add(part)
    if hasBlocks[driver] then
      -- Those below a full step are not needed yet.
      add(newestInBlocks(driver, from, #part == step and '[' .. part[step] or stop, step))
    end
  end
  budget = budget - #members - #drivers
  if parts > 1 then
    -- Sorting costs about as much again.
    budget = budget - #members
    table.sort(members, isNewer)
  end
  return members, floor
end

local page = { '' }
while budget > 0 do
  local members, floor = nextMembers()
  for _, member in ipairs(members) do
    if floor and isNewer(floor, member) then
      break
    end
    from = '(' .. member
    if isKept(member) then
      page[#page + 1] = member
      if #page > limit then
        page[1] = member
        return page
      end
    end
    if budget <= 0 then
      page[1] = member
      return page
    end
  end
  if not floor then
    return page
  end
end
page[1] = string.sub(from, 2)
return page
