--[[
  Remembers that a client did something with a live session. No revision, no history: whoever splices calls this.
  A session that is not live is left alone, so that a late call leaves nothing behind.

  KEYS  1 row  2 activity  3 attached
  ARGV  1 ref  2 '1' when a client has just connected

  Returns 1 if it was noted, 0 if the session is not live
]]
if redis.call('HGET', KEYS[1], 'st') ~= 'live' then
  return 0
end
local time = redis.call('TIME')
local nowMs = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('HSET', KEYS[2], ARGV[1], nowMs)
if ARGV[2] == '1' then
  redis.call('HSETNX', KEYS[3], ARGV[1], nowMs)
end
return 1
