--[[
  Gives a session that has not ended another connect token, and tells every process. It may run twice when a connection
  breaks; then the token is rotated twice, and the answer has the last one.

  KEYS  1 row   2 notices
  ARGV  1 ref   2 most notices

  Returns the generation of the new token; -1 if there is no such session, -2 if it has ended
]]
local status = redis.call('HGET', KEYS[1], 'st')
if not status then
  return -1
end
if status ~= 'created' and status ~= 'live' then
  return -2
end
local generation = redis.call('HINCRBY', KEYS[1], 'tok', 1)
redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[2], '*', 'n',
  cjson.encode({ type = 'token', ref = '', session = ARGV[1], generation = generation }))
return generation
