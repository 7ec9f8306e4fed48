--[[
  Removes a context with its versions. Their blobs are doomed: they are deleted later, so that a mount that has begun
  can end.

  KEYS  1 row  2 versions  3 writers  4 names of the tenant's contexts  5 index of all  6 doomed blobs
        7 bytes by tenant  8 answer of this operation  9 notices
        10… label indexes
  ARGV  1 command as JSON: { rev, tenant, member, graceMs, answerTtlMs, notice, noticesMax }

  Returns { 'OK' }
          { 'REPLAY' }         this operation was applied before
          { 'MISSING' }
          { 'CONFLICT', rev }  the revision is no longer the one that was read
]]
local cmd = cjson.decode(ARGV[1])
if redis.call('EXISTS', KEYS[8]) == 1 then
  return { 'REPLAY' }
end
local row = redis.call('HMGET', KEYS[1], 'rev', 'name', 'bytes')
local rev = tonumber(row[1])
if not rev then
  return { 'MISSING' }
end
if rev ~= cmd.rev then
  return { 'CONFLICT', rev }
end
local time = redis.call('TIME')
local nowMs = time[1] * 1000 + math.floor(time[2] / 1000)
for _, version in ipairs(redis.call('HVALS', KEYS[2])) do
  redis.call('ZADD', KEYS[6], nowMs + cmd.graceMs, cjson.decode(version).blobKey)
end
if redis.call('HINCRBY', KEYS[7], cmd.tenant, 0 - row[3]) <= 0 then
  redis.call('HDEL', KEYS[7], cmd.tenant)
end
redis.call('HDEL', KEYS[4], row[2])
redis.call('ZREM', KEYS[5], cmd.member)
for i = 10, #KEYS do
  redis.call('ZREM', KEYS[i], cmd.member)
end
redis.call('DEL', KEYS[1], KEYS[2], KEYS[3])
cmd.notice.rev = rev + 1
cmd.notice.at = nowMs
redis.call('XADD', KEYS[9], 'MAXLEN', '~', cmd.noticesMax, '*', 'n', cjson.encode(cmd.notice))
redis.call('SET', KEYS[8], 1, 'PX', cmd.answerTtlMs)
return { 'OK' }
