--[[
  Registers a session that will save into a context. An exclusive writer is the only one, or none.

  KEYS  1 row of the context  2 its writers, `<sinceMs>|<1 if exclusive>` by session
  ARGV  1 session  2 1 if exclusive, else 0
        3… sessions that the caller knows to have ended: they no longer count

  Returns { 'OK' }                                     also if it is registered already
          { 'MISSING' }                                there is no such context
          { 'IN_USE', session, sinceMs, session, … }   the writers in its way
]]
if redis.call('EXISTS', KEYS[1]) == 0 then
  return { 'MISSING' }
end
for i = 3, #ARGV do
  redis.call('HDEL', KEYS[2], ARGV[i])
end
local inUse = { 'IN_USE' }
local writers = redis.call('HGETALL', KEYS[2])
for i = 1, #writers, 2 do
  local sinceMs, isExclusive = string.match(writers[i + 1], '^(%d+)|(%d)$')
  if writers[i] ~= ARGV[1] and (ARGV[2] == '1' or isExclusive == '1') then
    inUse[#inUse + 1] = writers[i]
    inUse[#inUse + 1] = sinceMs
  end
end
if #inUse > 1 then
  return inUse
end
local time = redis.call('TIME')
local nowMs = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('HSETNX', KEYS[2], ARGV[1], string.format('%d|%s', nowMs, ARGV[2]))
return { 'OK' }
