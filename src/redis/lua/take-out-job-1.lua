--[[
  Takes a job out of its queue for good, wherever it is in there, and notifies the processes that wait for it.

  KEYS  1 events of the queue
  ARGV  1 prefix of the queue's keys  2 job id  3 length of the job's data in bytes when it was read, -1 if it had none
        4 the failure reason for processes that wait for it

  Returns 1; 0 if another process was quicker, or the job has changed
]]
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
  redis.call('XADD', KEYS[1], 'MAXLEN', '~', 10000, '*', 'event', 'failed', 'jobId', id, 'failedReason',
    ARGV[4], 'prev', 'active')
  -- There may be room for the next job now, and the fetch that failed has removed the marker for waiting jobs.
  redis.call('ZADD', prefix .. 'marker', 0, '0')
  return true
end

if lengthOfData(ARGV[1] .. ARGV[2]) ~= tonumber(ARGV[3]) or not takeOut(ARGV[1], ARGV[2]) then
  return 0
end
return 1
