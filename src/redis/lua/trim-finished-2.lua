--[[
  Bounds how many ended jobs a queue keeps, regardless of their options: forgets jobs that ended too long ago, jobs
  whose end is in the future, and the oldest beyond a number; also the oldest events.

  KEYS  1 completed or failed jobs by end  2 events of the queue
  ARGV  1 prefix of the queue's job keys  2 age of the oldest, ms  3 how many are kept  4 how many to forget at most
        5 how many events are kept

  Returns the number of jobs forgotten
]]
local time = redis.call('TIME')
local nowMs = time[1] * 1000 + math.floor(time[2] / 1000)
local ageMs, kept, limit = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local ids = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', nowMs - ageMs, 'LIMIT', 0, limit)
for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[1], nowMs + ageMs, '+inf', 'LIMIT', 0, limit)) do
  ids[#ids + 1] = id
end
local excess = redis.call('ZCARD', KEYS[1]) - kept
if excess > 0 then
  for _, id in ipairs(redis.call('ZRANGE', KEYS[1], 0, math.min(excess, limit) - 1)) do
    ids[#ids + 1] = id
  end
end
local forgotten = 0
for _, id in ipairs(ids) do
  if redis.call('ZREM', KEYS[1], id) == 1 then
    local job = ARGV[1] .. id
    -- A job id can be the name of one of the queue's own keys. Those are of other types, except the settings (`meta`).
    if redis.call('TYPE', job).ok == 'hash' and id ~= 'meta' then
      redis.call('DEL', job, job .. ':lock', job .. ':logs', job .. ':dependencies', job .. ':processed',
        job .. ':failed', job .. ':unsuccessful')
    end
    forgotten = forgotten + 1
  end
end
redis.call('XTRIM', KEYS[2], 'MAXLEN', '~', ARGV[5])
return forgotten
