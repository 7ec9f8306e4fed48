--[[
  Takes or renews a worker's lease and records what the worker reports of itself.

  KEYS  1 leases  2 worker  3 drained workers
  ARGV  1 workerId  2 lease in ms  3 how long to remember the worker, in ms  4… field, value, field, value, …

  Returns { nowMs, expiresMs before | 0, 1 if the worker is drained | 0 }
]]
local time = redis.call('TIME')
local nowMs = time[1] * 1000 + math.floor(time[2] / 1000)
local before = redis.call('ZSCORE', KEYS[1], ARGV[1])
redis.call('ZADD', KEYS[1], nowMs + tonumber(ARGV[2]), ARGV[1])
redis.call('HSET', KEYS[2], unpack(ARGV, 4))
redis.call('PEXPIRE', KEYS[2], ARGV[3])
return { nowMs, tonumber(before or 0), redis.call('SISMEMBER', KEYS[3], ARGV[1]) }
