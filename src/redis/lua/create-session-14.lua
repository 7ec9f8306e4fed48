--[[
  Accepts a session: row, indexes, deadline, place in the order of launches, history, effects and idempotency record, or
  nothing. The quotas of its tenant are compared with the indexes that the scripts keep, so nothing can leak from them.

  KEYS  1 row  2 history  3 index of all  4 index of status `created`  5 due  6 queued  7 effects  8 notices
        9 counts  10 idempotency record (keys.none without one)  11 index of status `live`
        12 turns  13 turns of the tenant  14 served turns
        15… label indexes
  ARGV  1 command as JSON: { ref, tenant, opId, mv, member, fingerprint, deadlines: {kind: ms}, effects: [string],
            notice: {…}, idempotencyTtlMs, noticesMax, labelKeys: [string], weight, createsWindowMs,
            quotas: {liveSessions, queuedSessions, createsPerMinute: number | null}, checkOnly: bool }
        2 snapshot as JSON  3 line of the history as JSON, without seq and at

  Returns { 'OK', turn, nowMs, budget… }      its turn among those that wait; '' with checkOnly
          { 'REPLAY', rev, nowMs }             the same opId created this very session
          { 'EXISTS', ref, fingerprint }       the id is in use (by another call)
          { 'IDEMPOTENT', ref, fingerprint }   the Idempotency-Key was used before
          { 'QUOTA', name, waitMs, budget… }   this quota of the tenant is used up, for so long (0: not known)
  budget…: for each quota of the tenant its name, its limit, what is left of it, and in how many milliseconds more will
  be left (0: not known).
  All checks come before the first write. checkOnly: nothing is written after them either.
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

local usedUp, waitMs, budgets = nil, 0, {}
local function budget(name, used, moreInMs)
  local limit = cmd.quotas[name]
  if used >= limit and (not usedUp or moreInMs > waitMs) then
    usedUp, waitMs = name, moreInMs
  end
  -- One less: what is left after this create.
  for _, value in ipairs({ name, limit, math.max(0, limit - used - 1), moreInMs }) do
    budgets[#budgets + 1] = value
  end
end
if cmd.quotas.liveSessions ~= cjson.null then
  budget('liveSessions', redis.call('ZCARD', KEYS[4]) + redis.call('ZCARD', KEYS[11]), 0)
end
if cmd.quotas.queuedSessions ~= cjson.null then
  budget('queuedSessions', redis.call('ZCARD', KEYS[13]), 0)
end
local createsMax = cmd.quotas.createsPerMinute
if createsMax ~= cjson.null then
  -- Members begin with the time of creation. Times in the future are from before the clock was set back.
  local from = string.format('[%012x', nowMs - cmd.createsWindowMs + 1)
  local to = string.format('(%012x', nowMs + 1)
  local used = redis.call('ZLEXCOUNT', KEYS[3], from, to)
  -- The one that has to leave the window before there is room for one more.
  local first = redis.call('ZRANGEBYLEX', KEYS[3], from, to, 'LIMIT', math.max(0, used - createsMax), 1)[1]
  local sinceMs = first and tonumber(string.sub(first, 1, 12), 16) or nowMs
  budget('createsPerMinute', used, sinceMs + cmd.createsWindowMs - nowMs)
end
if usedUp then
  return { 'QUOTA', usedUp, waitMs, unpack(budgets) }
end
if cmd.checkOnly then
  return { 'OK', '', nowMs }
end

redis.call('HSET', KEYS[1], 'rev', 1, 'mv', cmd.mv, 'st', 'created', 'snap', ARGV[2], 'fp', cmd.fingerprint,
  'createOp', cmd.opId, 'ops', cmd.opId .. '=1', 'fn', 0, 'fc', '', 'ix', cmd.member,
  'dl', cjson.encode(cmd.deadlines), 'lk', cjson.encode(cmd.labelKeys))
redis.call('ZADD', KEYS[3], 0, cmd.member)
redis.call('ZADD', KEYS[4], 0, cmd.member)
for i = 15, #KEYS do
  redis.call('ZADD', KEYS[i], 0, cmd.member)
end
for kind, deadline in pairs(cmd.deadlines) do
  redis.call('ZADD', KEYS[5], deadline, cmd.ref .. '|' .. kind)
end

-- Start-time fair queueing: a tenant's next turn is a round, divided by its weight, after its turn before; it is never
-- before the turn that was served last. So a tenant that begins to wait comes next, however many of another wait.
if redis.call('EXISTS', KEYS[6]) == 0 then
  -- Nobody waits: the turns begin anew.
  redis.call('DEL', KEYS[12], KEYS[13], KEYS[14])
end
local before = redis.call('ZRANGE', KEYS[13], -1, -1, 'WITHSCORES')
while before[1] and not redis.call('ZSCORE', KEYS[6], before[1]) do
  -- It no longer waits: a process of a version without turns has taken it out of the queue.
  redis.call('ZREM', KEYS[12], before[1])
  redis.call('ZREM', KEYS[13], before[1])
  before = redis.call('ZRANGE', KEYS[13], -1, -1, 'WITHSCORES')
end
local served = redis.call('HMGET', KEYS[14], '|', cmd.tenant)
local turn = tonumber(served[1] or 0)
local own = before[2] or served[2]
if own then
  turn = math.max(turn, own + 1 / cmd.weight)
end
local place = string.format('%.17g', turn)
redis.call('ZADD', KEYS[12], place, cmd.ref)
redis.call('ZADD', KEYS[13], place, cmd.ref)
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
return { 'OK', place, nowMs, unpack(budgets) }
