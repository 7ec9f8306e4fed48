--[[
  The browser of an ended session is gone, with its processes and files, and its context is saved if that was owed:
  drops the obligation and publishes that. What has gone through its forward proxy is counted with the obligation, so
  exactly once.

  KEYS  1 closing  2 notices  3 row  4 requested saves  5 usage of the day on which the session ended
  ARGV  1 ref  2 claimId  3 notice as JSON  4 cap of the notices  5 what became of the save as JSON, or ''
        6 the traffic as JSON, or ''; only then: 7 the end reason  8 bytes sent  9 bytes received  10 requests refused
        11 for how many ms the usage is kept

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
if redis.call('EXISTS', KEYS[3]) == 1 then
  if ARGV[5] ~= '' then
    redis.call('HSET', KEYS[3], 'save', ARGV[5])
  end
  if ARGV[6] ~= '' then
    redis.call('HSET', KEYS[3], 'traffic', ARGV[6])
  end
end
if ARGV[6] ~= '' then
  for i, measure in ipairs({ 'sentBytes', 'receivedBytes', 'refused' }) do
    redis.call('HINCRBY', KEYS[5], ARGV[7] .. '|' .. measure, ARGV[7 + i])
  end
  redis.call('PEXPIRE', KEYS[5], ARGV[11])
end
redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[4], '*', 'n', ARGV[3])
return math.max(0, nowMs - tonumber(string.match(open, '^[^|]*|[^|]*|(%d+)') or nowMs))
