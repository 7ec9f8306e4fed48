--[[
  Stores a file for a limited time, and drops the oldest files if all together would be too large.

  KEYS  1 file  2 index of files by time, `<bytes>|<key of the file>`  3 bytes of all files in the index
  ARGV  1 content  2 tenant  3 content type  4 how long it is kept, ms  5 how large all files together may be, bytes

  Returns nowMs
]]
local time = redis.call('TIME')
local nowMs = time[1] * 1000 + math.floor(time[2] / 1000)
local size = #ARGV[1]
local member = size .. '|' .. KEYS[1]
local total = tonumber(redis.call('GET', KEYS[3]) or '0')
-- A connection that breaks may send this a second time.
if redis.call('ZREM', KEYS[2], member) == 1 then
  total = total - size
end
local oldest = redis.call('ZRANGE', KEYS[2], 0, 0, 'WITHSCORES')
while oldest[1] and (total + size > tonumber(ARGV[5]) or tonumber(oldest[2]) <= nowMs - tonumber(ARGV[4])) do
  local bar = string.find(oldest[1], '|', 1, true)
  total = total - tonumber(string.sub(oldest[1], 1, bar - 1))
  redis.call('DEL', string.sub(oldest[1], bar + 1))
  redis.call('ZREM', KEYS[2], oldest[1])
  oldest = redis.call('ZRANGE', KEYS[2], 0, 0, 'WITHSCORES')
end
redis.call('HSET', KEYS[1], 'tenant', ARGV[2], 'type', ARGV[3], 'content', ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[4])
redis.call('ZADD', KEYS[2], nowMs, member)
redis.call('SET', KEYS[3], total + size)
return nowMs
