--[[
  Looks at the keys of a BullMQ queue in one step: is there anything that its repair, or the quarantine of jobs, would
  have to look at more closely? In a healthy queue there mostly is not.

  KEYS  1 active  2 paused  3 delayed  4 waiting-children  5 repeat  6 meta  7 id  8 pc  9… its other keys
  ARGV  1 how many jobs may be active at a time, or `any`  2 the score of a delayed job that waits for too long
        3… the type of each key

  Returns {repair, active, endless}, each 1 or 0: the queue needs a repair, it has active jobs, it has jobs that are
  delayed for too long or wait for others
]]
local function isWrong(at)
  local found = redis.call('TYPE', KEYS[at]).ok
  return found ~= 'none' and found ~= ARGV[at + 2]
end
for i = 1, 8 do
  if isWrong(i) then
    return { 1, 1, 1 }
  end
end
for i = 9, #KEYS do
  if isWrong(i) then
    return { 1, 1, 1 }
  end
end

local function counts(value)
  return not value or (#value <= 15 and string.find(value, '^%d+$') ~= nil)
end
local settings = redis.call('HMGET', KEYS[6], 'paused', 'max', 'duration', 'concurrency')
local needsRepair = settings[1] or settings[2] or settings[3] or (settings[4] or 'any') ~= ARGV[1]
  or redis.call('EXISTS', KEYS[2], KEYS[5]) > 0
  or not counts(redis.call('GET', KEYS[7])) or not counts(redis.call('GET', KEYS[8]))
local endless = redis.call('ZCOUNT', KEYS[3], ARGV[2], '+inf') + redis.call('ZCARD', KEYS[4])
return { needsRepair and 1 or 0, redis.call('EXISTS', KEYS[1]), endless > 0 and 1 or 0 }
