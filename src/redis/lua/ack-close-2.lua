--[[
  The browser of an ended session is gone, with everything it left: drops the obligation and says so.

  KEYS  1 closing  2 notices
  ARGV  1 ref  2 claimId  3 notice as JSON  4 cap of the notices

  Returns 1 if the obligation was open under this claim, else 0
]]
local open = redis.call('HGET', KEYS[1], ARGV[1])
if not open or string.sub(open, 1, #ARGV[2] + 1) ~= ARGV[2] .. '|' then
  return 0
end
redis.call('HDEL', KEYS[1], ARGV[1])
redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[4], '*', 'n', ARGV[3])
return 1
