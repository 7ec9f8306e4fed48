--[[
  The browser of an ended session is gone, with its processes and files, and its context is saved if that was owed:
  drops the obligation and publishes that.

  KEYS  1 closing  2 notices  3 row  4 requested saves
  ARGV  1 ref  2 claimId  3 notice as JSON  4 cap of the notices  5 what became of the save as JSON, or ''

  Returns for how many milliseconds the obligation was open under this claim, -1 if it was not
]]
local open = redis.call('HGET', KEYS[1], ARGV[1])
if not open or string.sub(open, 1, #ARGV[2] + 1) ~= ARGV[2] .. '|' then
  return -1
end
local time = redis.call('TIME')
local nowMs = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('HDEL', KEYS[1], ARGV[1])
redis.call('HDEL', KEYS[4], ARGV[1])
if ARGV[5] ~= '' and redis.call('EXISTS', KEYS[3]) == 1 then
  redis.call('HSET', KEYS[3], 'save', ARGV[5])
end
redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[4], '*', 'n', ARGV[3])
return math.max(0, nowMs - tonumber(string.match(open, '^[^|]*|[^|]*|(%d+)') or nowMs))
