--[[
  Takes jobs out of a queue that BullMQ itself can never finish: without a hash, or with data that is not JSON (such a
  job throws inside the fetch, before any handler or limit, and would loop for ever). Looks at active jobs only: every
  other job gets there by being fetched.

  KEYS  1 active list of the queue  2 stalled set of the queue  3 dead letters
  ARGV  1 prefix of the queue's job keys  2 cap of the dead letters  3 queue name  4 how many to look at

  Returns the number of jobs contained
]]
local contained = 0
local time = redis.call('TIME')
local nowMs = time[1] * 1000 + math.floor(time[2] / 1000)
for _, id in ipairs(redis.call('LRANGE', KEYS[1], 0, tonumber(ARGV[4]) - 1)) do
  local job = ARGV[1] .. id
  local data = redis.call('HGET', job, 'data')
  local reason
  if not data then
    reason = 'orphaned'
  elseif not pcall(cjson.decode, data) then
    reason = 'not_json'
  end
  if reason then
    redis.call('LREM', KEYS[1], 0, id)
    redis.call('SREM', KEYS[2], id)
    redis.call('DEL', job, job .. ':lock', job .. ':logs')
    redis.call('LPUSH', KEYS[3], cjson.encode({ queue = ARGV[3], jobId = id, reason = reason, at = nowMs,
      data = string.sub(data or '', 1, 1024) }))
    redis.call('LTRIM', KEYS[3], 0, tonumber(ARGV[2]) - 1)
    contained = contained + 1
  end
end
return contained
