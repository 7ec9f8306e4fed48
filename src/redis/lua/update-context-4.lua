--[[
  Changes name and labels of a context.

  KEYS  1 row  2 names of the tenant's contexts  3 answer of this operation  4 notices
        5… label indexes: first those that it leaves
  ARGV  1 command as JSON: { rev, id, name, member, labelsLeft, answerTtlMs, notice, noticesMax };
          no name: ''
        2 labels as JSON

  Returns { 'OK', rev }
          { 'REPLAY', rev }    this operation was applied before
          { 'MISSING' }
          { 'CONFLICT', rev }  the revision is no longer the one that the change was made from
          { 'EXISTS', id }     that context has the name
]]
local cmd = cjson.decode(ARGV[1])
local answered = redis.call('GET', KEYS[3])
if answered then
  return { 'REPLAY', tonumber(answered) }
end
local row = redis.call('HMGET', KEYS[1], 'rev', 'name')
local rev = tonumber(row[1])
if not rev then
  return { 'MISSING' }
end
if rev ~= cmd.rev then
  return { 'CONFLICT', rev }
end
if cmd.name ~= row[2] then
  local named = cmd.name ~= '' and redis.call('HGET', KEYS[2], cmd.name)
  if named then
    return { 'EXISTS', named }
  end
  redis.call('HDEL', KEYS[2], row[2])
  if cmd.name ~= '' then
    redis.call('HSET', KEYS[2], cmd.name, cmd.id)
  end
end
local time = redis.call('TIME')
local nowMs = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('HSET', KEYS[1], 'rev', rev + 1, 'name', cmd.name, 'labels', ARGV[2], 'upd', nowMs)
for i = 5, #KEYS do
  if i < 5 + cmd.labelsLeft then
    redis.call('ZREM', KEYS[i], cmd.member)
  else
    redis.call('ZADD', KEYS[i], 0, cmd.member)
  end
end
cmd.notice.rev = rev + 1
cmd.notice.at = nowMs
redis.call('XADD', KEYS[4], 'MAXLEN', '~', cmd.noticesMax, '*', 'n', cjson.encode(cmd.notice))
redis.call('SET', KEYS[3], rev + 1, 'PX', cmd.answerTtlMs)
return { 'OK', rev + 1 }
