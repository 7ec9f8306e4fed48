--[[
  Accepts a session: row, indexes, deadline, history, effects and idempotency record, or nothing.

  KEYS  1 row  2 history  3 index of all  4 index of status `created`  5 due  6 queued  7 effects  8 notices
        9 counts  10 idempotency record (keys.none without one)
        11… label indexes
  ARGV  1 command as JSON: { ref, opId, mv, member, fingerprint, deadlines: {kind: ms}, effects: [string],
            notice: {…}, idempotencyTtlMs, noticesMax, labelKeys: [string] }
        2 snapshot as JSON  3 line of the history as JSON, without seq and at

  Returns { 'OK', rev, nowMs }
          { 'REPLAY', rev, nowMs }             the same opId created this very session
          { 'EXISTS', ref, fingerprint }       the id is in use (by another call)
          { 'IDEMPOTENT', ref, fingerprint }   the Idempotency-Key was used before
  All checks come before the first write.
]]
local cmd = cjson.decode(ARGV[1])
local time = redis.call('TIME')
local nowMs = time[1] * 1000 + math.floor(time[2] / 1000)

local stored = redis.call('HMGET', KEYS[1], 'rev', 'createOp', 'fp')
if stored[1] and stored[2] == cmd.opId then
  return { 'REPLAY', tonumber(stored[1]), nowMs }
end
if cmd.idempotencyTtlMs > 0 then
  local record = redis.call('GET', KEYS[10])
  if record then
    local known = cjson.decode(record)
    return { 'IDEMPOTENT', known.ref, known.fingerprint }
  end
end
if stored[1] then
  return { 'EXISTS', cmd.ref, stored[3] or '' }
end

redis.call('HSET', KEYS[1], 'rev', 1, 'mv', cmd.mv, 'st', 'created', 'snap', ARGV[2], 'fp', cmd.fingerprint,
  'createOp', cmd.opId, 'ops', cmd.opId .. '=1', 'fn', 0, 'fc', '', 'ix', cmd.member,
  'dl', cjson.encode(cmd.deadlines), 'lk', cjson.encode(cmd.labelKeys))
redis.call('ZADD', KEYS[3], 0, cmd.member)
redis.call('ZADD', KEYS[4], 0, cmd.member)
for i = 11, #KEYS do
  redis.call('ZADD', KEYS[i], 0, cmd.member)
end
for kind, deadline in pairs(cmd.deadlines) do
  redis.call('ZADD', KEYS[5], deadline, cmd.ref .. '|' .. kind)
end
redis.call('ZADD', KEYS[6], nowMs, cmd.ref)
for _, effect in ipairs(cmd.effects) do
  redis.call('ZADD', KEYS[7], nowMs, effect)
end
redis.call('HINCRBY', KEYS[9], 'created', 1)

redis.call('RPUSH', KEYS[2], string.format('{"seq":1,"at":%d,', nowMs) .. string.sub(ARGV[3], 2))
cmd.notice.rev = 1
cmd.notice.at = nowMs
redis.call('XADD', KEYS[8], 'MAXLEN', '~', cmd.noticesMax, '*', 'n', cjson.encode(cmd.notice))
if cmd.idempotencyTtlMs > 0 then
  redis.call('SET', KEYS[10], cjson.encode({ ref = cmd.ref, fingerprint = cmd.fingerprint }),
    'PX', cmd.idempotencyTtlMs)
end
return { 'OK', 1, nowMs }
