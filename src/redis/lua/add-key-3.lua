--[[
  Stores an API key, unless there are too many. It may run twice when a connection breaks; the second run then finds the
  key and changes nothing.

  KEYS  1 keys   2 version of the keys   3 notices
  ARGV  1 id   2 key as JSON   3 most keys   4 next version   5 notice   6 most notices

  Returns 1 if the key is stored, 0 if there are too many
]]
if redis.call('HEXISTS', KEYS[1], ARGV[1]) == 1 then
  return 1
end
if redis.call('HLEN', KEYS[1]) >= tonumber(ARGV[3]) then
  return 0
end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])
redis.call('SET', KEYS[2], ARGV[4])
redis.call('XADD', KEYS[3], 'MAXLEN', '~', ARGV[6], '*', 'n', ARGV[5])
return 1
