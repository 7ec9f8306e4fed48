--[[
  Makes a kept version of a context the current one.

  KEYS  1 row  2 versions  3 answer of this operation  4 notices
  ARGV  1 command as JSON: { version, ifRev | null, answerTtlMs, notice, noticesMax }

  Returns { 'OK', rev }
          { 'REPLAY', rev }    this operation was applied before
          { 'MISSING' }
          { 'CONFLICT', rev }  the context has another revision
          { 'NO_VERSION' }     the version never existed, or was dropped
]]
local cmd = cjson.decode(ARGV[1])
local answered = redis.call('GET', KEYS[3])
if answered then
  return { 'REPLAY', tonumber(answered) }
end
local row = redis.call('HMGET', KEYS[1], 'rev', 'cur')
local rev = tonumber(row[1])
if not rev then
  return { 'MISSING' }
end
if cmd.ifRev ~= cjson.null and cmd.ifRev ~= rev then
  return { 'CONFLICT', rev }
end
if redis.call('HEXISTS', KEYS[2], cmd.version) == 0 then
  return { 'NO_VERSION' }
end
if tonumber(row[2]) ~= cmd.version then
  local time = redis.call('TIME')
  local nowMs = time[1] * 1000 + math.floor(time[2] / 1000)
  rev = rev + 1
  redis.call('HSET', KEYS[1], 'rev', rev, 'cur', cmd.version, 'upd', nowMs)
  cmd.notice.rev = rev
  cmd.notice.at = nowMs
  redis.call('XADD', KEYS[4], 'MAXLEN', '~', cmd.noticesMax, '*', 'n', cjson.encode(cmd.notice))
end
redis.call('SET', KEYS[3], rev, 'PX', cmd.answerTtlMs)
return { 'OK', rev }
