--[[
  Forgets sessions that ended long enough ago: row, history and every membership, at most `limit` at a time.
  Touches keys it makes from the prefix and the row; all stand under the one hash tag.

  KEYS  1 ended  2 counts
  ARGV  1 key prefix  2 retention in ms  3 limit

  Returns the number of sessions forgotten
]]
local prefix, limit = ARGV[1], tonumber(ARGV[3])
local time = redis.call('TIME')
local nowMs = time[1] * 1000 + math.floor(time[2] / 1000)
local refs = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', nowMs - tonumber(ARGV[2]), 'LIMIT', 0, limit)
for _, ref in ipairs(refs) do
  local row = prefix .. ':s:' .. ref
  local stored = redis.call('HMGET', row, 'st', 'ix', 'lk')
  if stored[1] then
    local index = prefix .. ':ix:' .. string.match(ref, '^[^/]+')
    redis.call('ZREM', index .. ':all', stored[2])
    redis.call('ZREM', index .. ':st:' .. stored[1], stored[2])
    for _, label in ipairs(cjson.decode(stored[3])) do
      redis.call('ZREM', index .. ':l:' .. label, stored[2])
    end
    redis.call('HINCRBY', KEYS[2], stored[1], -1)
  end
  redis.call('DEL', row, prefix .. ':h:' .. ref)
  redis.call('ZREM', KEYS[1], ref)
end
return #refs
