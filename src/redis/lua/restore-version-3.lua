--[[
  Makes a kept version of a context the current one.

  KEYS  1 row  2 versions  3 answer of this operation
  ARGV  1 version  2 revision that the context must have, '' for any  3 how long the answer is kept, ms

  Returns { 'OK', rev }
          { 'REPLAY', rev }    this operation was applied before
          { 'MISSING' }
          { 'CONFLICT', rev }  the context has another revision
          { 'NO_VERSION' }     the version never existed, or was dropped
]]
local answered = redis.call('GET', KEYS[3])
if answered then
  return { 'REPLAY', tonumber(answered) }
end
local row = redis.call('HMGET', KEYS[1], 'rev', 'cur')
local rev = tonumber(row[1])
if not rev then
  return { 'MISSING' }
end
if ARGV[2] ~= '' and tonumber(ARGV[2]) ~= rev then
  return { 'CONFLICT', rev }
end
if redis.call('HEXISTS', KEYS[2], ARGV[1]) == 0 then
  return { 'NO_VERSION' }
end
if row[2] ~= ARGV[1] then
  local time = redis.call('TIME')
  local nowMs = time[1] * 1000 + math.floor(time[2] / 1000)
  rev = rev + 1
  redis.call('HSET', KEYS[1], 'rev', rev, 'cur', ARGV[1], 'upd', nowMs)
end
redis.call('SET', KEYS[3], rev, 'PX', ARGV[3])
return { 'OK', rev }
