--[[
  Forgets sessions that ended long enough ago: row, history and every membership in an index. Looks at `limit` of them
  at a time. Rows of a newer machine version are left to a process of that version, which knows all their indexes. A
  damaged row is forgotten as far as it can be read. The script makes keys from the prefix and the row; all have the
  same hash tag.

  KEYS  1 ended  2 counts
  ARGV  1 key prefix  2 retention in ms  3 how many, from the oldest, to pass over  4 limit  5 machine version

  Returns { number of sessions looked at, number of them forgotten }
]]
local prefix, offset, limit, known = ARGV[1], ARGV[3], ARGV[4], tonumber(ARGV[5])
local time = redis.call('TIME')
local nowMs = time[1] * 1000 + math.floor(time[2] / 1000)
local refs = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', nowMs - tonumber(ARGV[2]), 'LIMIT', offset, limit)
local forgotten = 0
for _, ref in ipairs(refs) do
  local row = prefix .. ':s:' .. ref
  local stored = redis.pcall('HMGET', row, 'st', 'ix', 'lk', 'mv')
  if stored.err then
    stored = {}
  end
  if (tonumber(stored[4] or 0) or 0) <= known then
    if stored[1] then
      local index = prefix .. ':ix:' .. (string.match(ref, '^[^/]+') or '')
      local member = stored[2] or ''
      redis.call('ZREM', index .. ':all', member)
      redis.call('ZREM', index .. ':st:' .. stored[1], member)
      local isRead, labels = pcall(cjson.decode, stored[3] or '')
      if isRead and type(labels) == 'table' then
        for _, label in ipairs(labels) do
          redis.call('ZREM', index .. ':l:' .. tostring(label), member)
        end
      end
      redis.call('HINCRBY', KEYS[2], stored[1], -1)
    end
    redis.call('DEL', row, prefix .. ':h:' .. ref)
    redis.call('ZREM', KEYS[1], ref)
    forgotten = forgotten + 1
  end
end
return { #refs, forgotten }
