--[[
  Lowers scores that are further in the future than any that is ever written: they were written before the clock was
  set back, and a process that waits for such a time would wait too long by as much.

  An end that is in a block moves to the block of now.

  KEYS  1 effects  2 queued  3 ended  4 leases  5 processes
  ARGV  1 length of a lease in ms  2 how long a process counts as alive after a heartbeat, in ms  3 how many of each to
        lower at most

  Returns how many were lowered
]]
--- @include "blocks"
local time = redis.call('TIME')
local nowMs = time[1] * 1000 + math.floor(time[2] / 1000)
local leaseMs, aliveMs = nowMs + tonumber(ARGV[1]), nowMs + tonumber(ARGV[2])
local lowered = 0
for key, latestMs in pairs({
  [KEYS[1]] = nowMs, [KEYS[2]] = nowMs, [KEYS[3]] = nowMs, [KEYS[4]] = leaseMs, [KEYS[5]] = aliveMs,
}) do
  for _, member in ipairs(redis.call('ZRANGEBYSCORE', key, '(' .. latestMs, '+inf', 'LIMIT', 0, ARGV[3])) do
    redis.call('ZADD', key, 'XX', latestMs, member)
    lowered = lowered + 1
  end
end
local ahead = string.format('[%012x', nowMs + 1)
for _, member in ipairs(newestInBlocks(KEYS[3], '+', ahead, tonumber(ARGV[3]))) do
  removeFromBlocks(KEYS[3], member)
  addToBlocks(KEYS[3], string.format('%012x', nowMs) .. string.sub(member, 13))
  lowered = lowered + 1
end
return lowered
