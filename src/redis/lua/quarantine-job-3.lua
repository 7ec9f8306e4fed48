--[[
  Puts a job into quarantine, and forgets the oldest entries beyond the cap and those that are too old; without an id it
  does only the latter.

  KEYS  1 entries by time, µs  2 entries by id  3 their payloads by id
  ARGV  1 cap  2 age of the oldest, ms  3 entry id, or ''  4 entry as JSON  5 payload

  Returns the time of the entry, µs; 0 without one
]]
local time = redis.call('TIME')
local nowUs = time[1] * 1000000 + time[2]
local isNew = ARGV[3] ~= ''
if isNew then
  redis.call('ZADD', KEYS[1], nowUs, ARGV[3])
  redis.call('HSET', KEYS[2], ARGV[3], ARGV[4])
  redis.call('HSET', KEYS[3], ARGV[3], ARGV[5])
end
local old = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', nowUs - ARGV[2] * 1000, 'LIMIT', 0, 1000)
for _, id in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1 - tonumber(ARGV[1]))) do
  old[#old + 1] = id
end
for _, id in ipairs(old) do
  redis.call('ZREM', KEYS[1], id)
  redis.call('HDEL', KEYS[2], id)
  redis.call('HDEL', KEYS[3], id)
end
return isNew and nowUs or 0
