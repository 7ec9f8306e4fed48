--[[
  Makes a context: row, name, indexes and the record of the request, or nothing.

  KEYS  1 row  2 names of the tenant's contexts  3 index of all  4 record of the request
        5 notices
        6… label indexes
  ARGV  1 command as JSON: { ref, id, name, member, createdAtMs, fingerprint, recordTtlMs, contextsMax | null, notice,
            noticesMax }; no name: ''
        2 labels as JSON

  Returns { 'OK' }
          { 'IDEMPOTENT', ref, fingerprint }  this request, or an earlier one of the same key, has made that context
          { 'EXISTS', id }                    that context has the name
          { 'QUOTA', limit }                  the tenant has as many as it may have
  All checks come before the first write.
]]
local cmd = cjson.decode(ARGV[1])
local record = redis.call('GET', KEYS[4])
if record then
  local known = cjson.decode(record)
  return { 'IDEMPOTENT', known.ref, known.fingerprint }
end
if cmd.name ~= '' then
  local named = redis.call('HGET', KEYS[2], cmd.name)
  if named then
    return { 'EXISTS', named }
  end
end
if cmd.contextsMax ~= cjson.null and redis.call('ZCARD', KEYS[3]) >= cmd.contextsMax then
  return { 'QUOTA', cmd.contextsMax }
end
if cmd.name ~= '' then
  redis.call('HSET', KEYS[2], cmd.name, cmd.id)
end
redis.call('HSET', KEYS[1], 'rev', 1, 'name', cmd.name, 'labels', ARGV[2], 'cur', 0, 'last', 0, 'bytes', 0,
  'at', cmd.createdAtMs, 'upd', cmd.createdAtMs)
redis.call('ZADD', KEYS[3], 0, cmd.member)
for i = 6, #KEYS do
  redis.call('ZADD', KEYS[i], 0, cmd.member)
end
redis.call('SET', KEYS[4], cjson.encode({ ref = cmd.ref, fingerprint = cmd.fingerprint }), 'PX', cmd.recordTtlMs)
cmd.notice.rev = 1
cmd.notice.at = cmd.createdAtMs
redis.call('XADD', KEYS[5], 'MAXLEN', '~', cmd.noticesMax, '*', 'n', cjson.encode(cmd.notice))
return { 'OK' }
