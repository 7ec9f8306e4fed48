--[[
  The one writer of session rows (I1-I6, I8). Everything that a step changes is written here, all or nothing.

  KEYS  1 row  2 history  3 due  4 effects  5 notices  6 closing  7 activity  8 attached  9 present  10 leases
        11 queued  12 ended  13 counts  14 index of the status before  15 index of the status after
        16 owned set of the owner before  17 owned set of the owner after  18 control stream of the owner
        19 usage of the day it ends on (16-18: keys.none without an owner; 19: unless it ends)
        20 turns  21 turns of the tenant  22 served turns
        23… label indexes it leaves, then label indexes it joins
  ARGV  1 command as JSON:
            { ref, tenant, opId, rev, mv, status, member, deadlines: {kind: ms}, effects: [string], notice: {…},
              noticesMax, controlMax, endedStatuses: [string],
              labelKeys: all labels as JSON | null if they stay, labelsLeft: how many of 23… it leaves,
              saves: bool                        the end includes a save of the context
              usage: {reason, liveMs, startedMinutes, keptMs} | null, ended: bool, queued: bool,
              owner: {workerId, n, claimId} | null,
              expectFence: {n, claimId} | null   the session must have this owner
              expectLapsed: workerId | null      this worker's lease must have lapsed
              claimBeforeMs: ms | null           for a claim: when the session's queue time is up
              timeout: {dueMs, lastActivityMs | null, attachedAtMs | null, presentAtMs | null} | null
                                                 for a time-out: the facts on which it was decided }
        2 snapshot as JSON  3 line of the history as JSON, without seq and at

  Checks, in this order, all before the first write:
          { 'MISSING' }                    no such session
          { 'REPLAY', rev, nowMs }         this opId was applied, giving that rev
          { 'TERMINAL', rev, nowMs, st }   the session has ended; nothing changes any more (I3)
          { 'CONFLICT', rev, nowMs }       another writer was faster, or a client was active after a time-out was
                                           decided: read again, step again
          { 'FENCED', rev, nowMs }         the caller no longer owns the session (I6)
          { 'UPGRADE_REQUIRED', rev, nowMs }   the row was written by a newer machine version
          { 'LATE', rev, nowMs }           the session can no longer be claimed: its queue time is up by Redis TIME
          { 'EARLY', rev, nowMs, nextMs }  the deadline has not passed, or the lease not lapsed, by Redis TIME (I8);
                                           nextMs is when to ask again
  Returns { 'OK', rev, nowMs }
]]
local OPS_KEPT = 8
local cmd = cjson.decode(ARGV[1])
local time = redis.call('TIME')
local nowMs = time[1] * 1000 + math.floor(time[2] / 1000)

local row = redis.call('HMGET', KEYS[1], 'rev', 'st', 'fn', 'fc', 'mv', 'ops', 'dl')
if not row[1] then
  return { 'MISSING' }
end
local rev, status, fenceN, claimId, mv = tonumber(row[1]), row[2], tonumber(row[3]), row[4], tonumber(row[5])
local ops = row[6]

for op, appliedRev in string.gmatch(ops, '([^=;]+)=(%d+)') do
  if op == cmd.opId then
    return { 'REPLAY', tonumber(appliedRev), nowMs }
  end
end
for _, final in ipairs(cmd.endedStatuses) do
  if status == final then
    return { 'TERMINAL', rev, nowMs, status }
  end
end
if rev ~= cmd.rev then
  return { 'CONFLICT', rev, nowMs }
end
local expectFence = cmd.expectFence
if expectFence ~= cjson.null and (expectFence.n ~= fenceN or expectFence.claimId ~= claimId) then
  return { 'FENCED', rev, nowMs }
end
if mv > cmd.mv then
  return { 'UPGRADE_REQUIRED', rev, nowMs }
end
if cmd.claimBeforeMs ~= cjson.null and nowMs >= cmd.claimBeforeMs then
  return { 'LATE', rev, nowMs }
end
if cmd.expectLapsed ~= cjson.null then
  local expiresMs = redis.call('ZSCORE', KEYS[10], cmd.expectLapsed)
  if expiresMs and tonumber(expiresMs) > nowMs then
    return { 'EARLY', rev, nowMs, tonumber(expiresMs) }
  end
end
local timeout = cmd.timeout
if timeout ~= cjson.null then
  local lastActivityMs = redis.call('HGET', KEYS[7], cmd.ref)
  local attachedAtMs = redis.call('HGET', KEYS[8], cmd.ref)
  local presentAtMs = redis.call('HGET', KEYS[9], cmd.ref)
  if (lastActivityMs and tonumber(lastActivityMs) or cjson.null) ~= timeout.lastActivityMs
    or (attachedAtMs and tonumber(attachedAtMs) or cjson.null) ~= timeout.attachedAtMs
    or (presentAtMs and tonumber(presentAtMs) or cjson.null) ~= timeout.presentAtMs then
    return { 'CONFLICT', rev, nowMs }
  end
  if timeout.dueMs > nowMs then
    return { 'EARLY', rev, nowMs, timeout.dueMs }
  end
end

-- From here on: writes only.
rev = rev + 1
ops = ops .. ';' .. cmd.opId .. '=' .. rev
local _, count = string.gsub(ops, ';', ';')
if count >= OPS_KEPT then
  ops = string.gsub(ops, '^[^;]+;', '', 1)
end
local owner = cmd.owner
local newFenceN, newClaimId = fenceN, ''
if owner ~= cjson.null then
  newFenceN, newClaimId = owner.n, owner.claimId
end
redis.call('HSET', KEYS[1], 'rev', rev, 'mv', cmd.mv, 'st', cmd.status, 'snap', ARGV[2], 'ops', ops,
  'fn', newFenceN, 'fc', newClaimId, 'dl', cjson.encode(cmd.deadlines))

if status ~= cmd.status then
  redis.call('ZREM', KEYS[14], cmd.member)
  redis.call('ZADD', KEYS[15], 0, cmd.member)
  redis.call('HINCRBY', KEYS[13], status, -1)
  redis.call('HINCRBY', KEYS[13], cmd.status, 1)
end

for i = 23, #KEYS do
  if i < 23 + cmd.labelsLeft then
    redis.call('ZREM', KEYS[i], cmd.member)
  else
    redis.call('ZADD', KEYS[i], 0, cmd.member)
  end
end
if cmd.labelKeys ~= cjson.null then
  redis.call('HSET', KEYS[1], 'lk', cmd.labelKeys)
end

local before = cjson.decode(row[7])
for kind, deadline in pairs(before) do
  if cmd.deadlines[kind] ~= deadline then
    redis.call('ZREM', KEYS[3], cmd.ref .. '|' .. kind)
  end
end
for kind, deadline in pairs(cmd.deadlines) do
  if before[kind] ~= deadline then
    redis.call('ZADD', KEYS[3], deadline, cmd.ref .. '|' .. kind)
  end
end
local turn = redis.call('ZSCORE', KEYS[20], cmd.ref)
if cmd.queued then
  redis.call('ZADD', KEYS[11], 'NX', nowMs, cmd.ref)
  if not turn then
    -- It waits again, behind the others of its tenant; the turn itself was paid for at the create.
    local tail = redis.call('ZRANGE', KEYS[21], -1, -1, 'WITHSCORES')
    local place = tail[2] or redis.call('HGET', KEYS[22], '|') or 0
    redis.call('ZADD', KEYS[20], place, cmd.ref)
    redis.call('ZADD', KEYS[21], place, cmd.ref)
  end
else
  redis.call('ZREM', KEYS[11], cmd.ref)
  if turn then
    redis.call('ZREM', KEYS[20], cmd.ref)
    redis.call('ZREM', KEYS[21], cmd.ref)
    if redis.call('EXISTS', KEYS[11]) == 0 then
      -- Nobody waits: the turns begin anew.
      redis.call('DEL', KEYS[22])
    elseif cmd.owner ~= cjson.null then
      local served = redis.call('HMGET', KEYS[22], '|', cmd.tenant)
      for i, field in ipairs({ '|', cmd.tenant }) do
        if not served[i] or tonumber(served[i]) < tonumber(turn) then
          redis.call('HSET', KEYS[22], field, turn)
        end
      end
    end
  end
end
for _, effect in ipairs(cmd.effects) do
  redis.call('ZADD', KEYS[4], nowMs, effect)
end

redis.call('SREM', KEYS[16], cmd.ref)
if cmd.ended then
  redis.call('ZADD', KEYS[12], nowMs, cmd.ref)
  redis.call('HDEL', KEYS[7], cmd.ref)
  redis.call('HDEL', KEYS[8], cmd.ref)
  redis.call('HDEL', KEYS[9], cmd.ref)
  redis.call('HINCRBY', KEYS[19], cmd.usage.reason .. '|sessions', 1)
  redis.call('HINCRBY', KEYS[19], cmd.usage.reason .. '|liveMs', cmd.usage.liveMs)
  redis.call('HINCRBY', KEYS[19], cmd.usage.reason .. '|startedMinutes', cmd.usage.startedMinutes)
  redis.call('PEXPIRE', KEYS[19], cmd.usage.keptMs)
  if owner ~= cjson.null then
    redis.call('HSET', KEYS[6], cmd.ref, owner.claimId .. '|' .. owner.workerId .. '|' .. nowMs
      .. (cmd.saves and '|saves' or ''))
    redis.call('XADD', KEYS[18], 'MAXLEN', '~', cmd.controlMax, '*', 'c',
      cjson.encode({ order = 'close', ref = cmd.ref, claimId = owner.claimId, saves = cmd.saves }))
  end
elseif owner ~= cjson.null then
  redis.call('SADD', KEYS[17], cmd.ref)
end

-- The times of a history never fall (I5), not even when the clock is set back. Everything else uses the clock.
local last = redis.call('LINDEX', KEYS[2], -1)
local lastMs = last and (string.match(last, '^{"seq":%d+,"at":(%d+),') or cjson.decode(last).at)
local atMs = math.max(nowMs, tonumber(lastMs or 0))
local place = string.format('{"seq":%d,"at":%d,', redis.call('LLEN', KEYS[2]) + 1, atMs)
redis.call('RPUSH', KEYS[2], place .. string.sub(ARGV[3], 2))
cmd.notice.rev = rev
cmd.notice.at = atMs
redis.call('XADD', KEYS[5], 'MAXLEN', '~', cmd.noticesMax, '*', 'n', cjson.encode(cmd.notice))
return { 'OK', rev, nowMs }
