--[[
  Forgets sessions that ended long enough ago: row, history and every membership in an index. Looks at `limit` of them
  at a time, or at one block of those that were packed. Rows of a newer machine version are left to a process of that
  version, which knows all their indexes. A damaged row is forgotten as far as it can be read. The script makes keys
  from the prefix and the row; all have the same hash tag.

  KEYS  1 ended  2 counts
  ARGV  1 key prefix  2 retention in ms  3 'set' | 'blocks': where to look
        4 how many sessions, or blocks, to pass over from the oldest  5 limit, for the set  6 machine version

  Returns { number of sessions looked at, number of them forgotten, 1 if there may be more behind them }
]]
--- @include "blocks"
--- @include "session-indexes"
local prefix, offset, limit, known = ARGV[1], ARGV[4], tonumber(ARGV[5]), tonumber(ARGV[6])
local time = redis.call('TIME')
local nowMs = time[1] * 1000 + math.floor(time[2] / 1000)
local untilMs = nowMs - tonumber(ARGV[2])

local refs, members, hasMore = {}, {}, false
if ARGV[3] == 'set' then
  refs = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', untilMs, 'LIMIT', offset, limit)
  hasMore = #refs == limit
else
  local bound = redis.call('ZRANGE', directoryOf(KEYS[1]), offset, offset)[1]
  if bound then
    local block = blockOf(KEYS[1], bound)
    local to = string.format('(%012x', math.max(0, untilMs + 1))
    members = redis.call('ZRANGE', block, '-', to, 'BYLEX')
    hasMore = #members == redis.call('ZCARD', block)
    for i, member in ipairs(members) do
      refs[i] = string.sub(member, 13)
    end
  end
end

local forgotten = 0
for i, ref in ipairs(refs) do
  local row = prefix .. ':s:' .. ref
  local stored = redis.pcall('HMGET', row, 'st', 'ix', 'lk', 'mv')
  if stored.err then
    stored = {}
  end
  if (tonumber(stored[4] or 0) or 0) <= known then
    if stored[1] then
      local member = memberOf(ref, stored[2] or '')
      for _, index in ipairs(indexesOf(prefix, ref, stored[1], stored[3])) do
        if redis.call('ZREM', index, member) == 0 then
          removeFromBlocks(index, member)
        end
      end
      redis.call('HINCRBY', KEYS[2], stored[1], -1)
    end
    redis.call('DEL', row, prefix .. ':h:' .. ref)
    if members[i] then
      removeFromBlocks(KEYS[1], members[i])
    else
      redis.call('ZREM', KEYS[1], ref)
    end
    forgotten = forgotten + 1
  end
end
return { #refs, forgotten, hasMore and 1 or 0 }
