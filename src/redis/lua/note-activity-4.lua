--[[
  Records client activity on a live session, without a revision or a history line, since every process that splices
  calls this often. Does nothing to a session that is not live, so that a late call leaves no data behind. The first
  client satisfies the connect deadline, which is dropped.

  KEYS  1 row  2 activity  3 attached  4 due
  ARGV  1 ref  2 '1' when a client has just connected

  Returns 1 if it was noted, 0 if the session is not live
]]
if redis.call('HGET', KEYS[1], 'st') ~= 'live' then
  return 0
end
local time = redis.call('TIME')
local nowMs = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('HSET', KEYS[2], ARGV[1], nowMs)
if ARGV[2] == '1' and redis.call('HSETNX', KEYS[3], ARGV[1], nowMs) == 1 then
  redis.call('ZREM', KEYS[4], ARGV[1] .. '|connect')
end
return 1
