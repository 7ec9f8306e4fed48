--[[
  Nothing has to be done for an armed deadline as it was found: drops its entry, or moves it to when it is due. An entry
  that was armed anew meanwhile is left alone.

  KEYS  1 due
  ARGV  1 member  2 score it was found with  3 its new score; '' to drop it

  Returns 1 if it was still the one that was found, else 0
]]
local score = redis.call('ZSCORE', KEYS[1], ARGV[1])
if not score or tonumber(score) ~= tonumber(ARGV[2]) then
  return 0
end
if ARGV[3] == '' then
  redis.call('ZREM', KEYS[1], ARGV[1])
else
  redis.call('ZADD', KEYS[1], ARGV[3], ARGV[1])
end
return 1
