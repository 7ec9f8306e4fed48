--[[
  Looks at the keys of a BullMQ queue in one step: is there anything that its repair, or the quarantine of jobs, would
  have to look at more closely? In a healthy queue there mostly is not.

  KEYS  1 wait  2 active  3 paused  4 delayed  5 prioritized  6 waiting-children  7 completed  8 failed  9 marker
        10 repeat  11 stalled  12 events  13 meta  14 id  15 pc  16 stalled-check  17 limiter
  ARGV  1–17 the type of each key  18 how many jobs may be active at a time, or `any`
        19 the score of a delayed job that waits for too long

  Returns {repair, active, endless}, each 1 or 0: the queue needs a repair, it has active jobs, it has jobs that are
  delayed for too long or wait for others
]]
for at, key in ipairs(KEYS) do
  local found = redis.call('TYPE', key).ok
  if found ~= 'none' and found ~= ARGV[at] then
    return { 1, 1, 1 }
  end
end

local function counts(value)
  return not value or (#value <= 15 and string.find(value, '^%d+$') ~= nil)
end
local settings = redis.call('HMGET', KEYS[13], 'paused', 'max', 'duration', 'concurrency')
local needsRepair = settings[1] or settings[2] or settings[3] or (settings[4] or 'any') ~= ARGV[18]
  or redis.call('EXISTS', KEYS[3], KEYS[10]) > 0
  or not counts(redis.call('GET', KEYS[14])) or not counts(redis.call('GET', KEYS[15]))
local endless = redis.call('ZCOUNT', KEYS[4], ARGV[19], '+inf') + redis.call('ZCARD', KEYS[6])
return { needsRepair and 1 or 0, redis.call('EXISTS', KEYS[2]), endless > 0 and 1 or 0 }
