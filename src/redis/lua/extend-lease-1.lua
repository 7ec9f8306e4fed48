--[[
  Extends a worker's lease if there is one; does not touch the worker's record.

  KEYS  1 leases
  ARGV  1 workerId  2 lease in ms

  Returns 1 | 0 if there is no lease
]]
local time = redis.call('TIME')
local nowMs = time[1] * 1000 + math.floor(time[2] / 1000)
if not redis.call('ZSCORE', KEYS[1], ARGV[1]) then return 0 end
redis.call('ZADD', KEYS[1], 'XX', nowMs + tonumber(ARGV[2]), ARGV[1])
return 1
