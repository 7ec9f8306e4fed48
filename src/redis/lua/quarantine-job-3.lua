--[[
  Puts a job into quarantine. If it is still in its queue, removes it from there in the same step, and notifies the
  processes that wait for it. Forgets the oldest entries beyond the cap and those that are too old; without an id it
  does only that.

  KEYS  1 entries by time, µs  2 entries by id  3 their payloads by id
  ARGV  1 cap  2 age of the oldest, ms  3 entry id, or ''  4 entry as JSON  5 payload
        6 prefix of the queue's keys, or '': the job is not there any more  7 job id  8 length of the job's data in
        bytes when it was read, -1 if it had none  9 the failure reason for processes that wait for it

  Returns the time of the entry, µs; 0 if there is none: another process was quicker, or the job has changed
]]
local time = redis.call('TIME')
local nowUs = time[1] * 1000000 + time[2]
-- A job id can be the name of one of the queue's own keys, which must not be deleted.
local OWN_KEYS = { wait = 1, active = 1, paused = 1, delayed = 1, prioritized = 1, completed = 1, failed = 1, meta = 1,
  id = 1, pc = 1, marker = 1, events = 1, stalled = 1, limiter = 1, ['repeat'] = 1, ['stalled-check'] = 1,
  ['waiting-children'] = 1 }

local function lengthOfData(job)
  if redis.call('TYPE', job).ok ~= 'hash' or redis.call('HEXISTS', job, 'data') == 0 then
    return -1
  end
  return redis.call('HSTRLEN', job, 'data')
end

local function takeOut(prefix, id)
  local found = 0
  for _, list in ipairs({ 'active', 'wait', 'paused' }) do
    found = found + redis.call('LREM', prefix .. list, 0, id)
  end
  for _, set in ipairs({ 'delayed', 'prioritized', 'waiting-children' }) do
    found = found + redis.call('ZREM', prefix .. set, id)
  end
  if found == 0 then
    return false
  end
  redis.call('SREM', prefix .. 'stalled', id)
  local job = prefix .. id
  redis.call('DEL', job .. ':lock', job .. ':logs', job .. ':dependencies', job .. ':processed', job .. ':failed',
    job .. ':unsuccessful')
  if not OWN_KEYS[id] then
    redis.call('DEL', job)
  end
  redis.call('XADD', prefix .. 'events', 'MAXLEN', '~', 10000, '*', 'event', 'failed', 'jobId', id, 'failedReason',
    ARGV[9], 'prev', 'active')
  -- There may be room for the next job now, and the fetch that failed has removed the marker for waiting jobs.
  redis.call('ZADD', prefix .. 'marker', 0, '0')
  return true
end

local isNew = ARGV[3] ~= ''
if isNew and ARGV[6] ~= '' then
  if lengthOfData(ARGV[6] .. ARGV[7]) ~= tonumber(ARGV[8]) or not takeOut(ARGV[6], ARGV[7]) then
    return 0
  end
end
if isNew then
  redis.call('ZADD', KEYS[1], nowUs, ARGV[3])
  redis.call('HSET', KEYS[2], ARGV[3], ARGV[4])
  redis.call('HSET', KEYS[3], ARGV[3], ARGV[5])
end
local old = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', nowUs - ARGV[2] * 1000, 'LIMIT', 0, 1000)
for _, id in ipairs(redis.call('ZRANGE', KEYS[1], 0, -1 - tonumber(ARGV[1]))) do
  old[#old + 1] = id
end
for _, id in ipairs(old) do
  redis.call('ZREM', KEYS[1], id)
  redis.call('HDEL', KEYS[2], id)
  redis.call('HDEL', KEYS[3], id)
end
return isNew and nowUs or 0
