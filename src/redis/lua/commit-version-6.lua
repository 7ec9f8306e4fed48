--[[
  Makes a version of a context out of a stored blob, and drops the oldest versions beyond the number to keep, except the
  current one. The blob of this call and those of dropped versions are doomed unless a version has them.

  KEYS  1 row  2 versions  3 doomed blobs  4 bytes by tenant  5 answer of this save  6 notices
  ARGV  1 command as JSON: { tenant, blobKey, bytes, baseVersion, onConflict, keepVersions, tenantMaxBytes | null,
            graceMs, answerTtlMs, notice, noticesMax }
        2 the version as JSON, without number and time

  Returns { 'OK', version, isCurrent, rev }
          { 'REPLAY', version, isCurrent, rev }  this save was committed before
          { 'MISSING' }                          the context was deleted
          { 'QUOTA', bytes }                     so much has the tenant now; with this version it would be too much
]]
local cmd = cjson.decode(ARGV[1])
local time = redis.call('TIME')
local nowMs = time[1] * 1000 + math.floor(time[2] / 1000)
local function doom(blobKey)
  redis.call('ZADD', KEYS[3], nowMs + cmd.graceMs, blobKey)
end

local answered = redis.call('GET', KEYS[5])
if answered then
  local answer = cjson.decode(answered)
  local kept = redis.call('HGET', KEYS[2], answer[2])
  if kept and cjson.decode(kept).blobKey == cmd.blobKey then
    -- The repeat has announced the blob again.
    redis.call('ZREM', KEYS[3], cmd.blobKey)
  else
    doom(cmd.blobKey)
  end
  answer[1] = 'REPLAY'
  return answer
end
local row = redis.call('HMGET', KEYS[1], 'rev', 'cur', 'last')
if not row[1] then
  doom(cmd.blobKey)
  return { 'MISSING' }
end

local rev, current, version = row[1] + 1, tonumber(row[2]), row[3] + 1
local made = redis.call('HGET', KEYS[2], current)
local session = cjson.decode(ARGV[2]).sessionId
-- A session is in no conflict with itself: its save while it was live may have ended after it.
local isOwn = made and session ~= cjson.null and cjson.decode(made).sessionId == session
local isCurrent = cmd.onConflict ~= 'keep' or cmd.baseVersion == current or isOwn
if isCurrent then
  current = version
end
local numbers = {}
for _, number in ipairs(redis.call('HKEYS', KEYS[2])) do
  numbers[#numbers + 1] = tonumber(number)
end
table.sort(numbers)
local excess, dropped, freed = #numbers + 1 - cmd.keepVersions, {}, 0
for _, number in ipairs(numbers) do
  if #dropped < excess and number ~= current then
    local old = cjson.decode(redis.call('HGET', KEYS[2], number))
    dropped[#dropped + 1] = { number = number, blobKey = old.blobKey }
    freed = freed + old.bytes
  end
end
local used = tonumber(redis.call('HGET', KEYS[4], cmd.tenant) or '0')
if cmd.tenantMaxBytes ~= cjson.null and used + cmd.bytes - freed > cmd.tenantMaxBytes then
  doom(cmd.blobKey)
  return { 'QUOTA', used }
end

-- From here on: writes only.
for _, old in ipairs(dropped) do
  redis.call('HDEL', KEYS[2], old.number)
  doom(old.blobKey)
end
redis.call('ZREM', KEYS[3], cmd.blobKey)
local place = string.format('{"version":%d,"createdAtMs":%d,', version, nowMs)
redis.call('HSET', KEYS[2], version, place .. string.sub(ARGV[2], 2))
redis.call('HSET', KEYS[1], 'rev', rev, 'cur', current, 'last', version, 'upd', nowMs)
redis.call('HINCRBY', KEYS[1], 'bytes', cmd.bytes - freed)
redis.call('HINCRBY', KEYS[4], cmd.tenant, cmd.bytes - freed)
cmd.notice.rev = rev
cmd.notice.at = nowMs
cmd.notice.version = version
cmd.notice.isCurrent = isCurrent
redis.call('XADD', KEYS[6], 'MAXLEN', '~', cmd.noticesMax, '*', 'n', cjson.encode(cmd.notice))
local answer = { 'OK', version, isCurrent and 1 or 0, rev }
redis.call('SET', KEYS[5], cjson.encode(answer), 'PX', cmd.answerTtlMs)
return answer
