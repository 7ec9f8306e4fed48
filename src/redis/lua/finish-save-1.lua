--[[
  A requested save has ended: drops the request, unless there is a newer one by now.

  KEYS  1 requested saves
  ARGV  1 ref  2 number of the request

  Returns 1 if it was dropped, else 0
]]
if redis.call('HGET', KEYS[1], ARGV[1]) == ARGV[2] then
  return redis.call('HDEL', KEYS[1], ARGV[1])
end
return 0
