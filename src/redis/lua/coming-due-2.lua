--[[
  Deadlines that will be due soon and have no delayed job yet, in their order: the index says when each is due, the row
  which deadline that is. The script makes the keys of rows from the prefix; all have the same hash tag.

  KEYS  1 due  2 armed until
  ARGV  1 key prefix  2 how far to look ahead, in ms  3 where to go on, as in an earlier answer; '' to begin  4 limit

  Returns { nowMs, until then there are no others, where to go on | '', entry, dueMs, deadlineMs, entry, … }
]]
local prefix, aheadMs, from, limit = ARGV[1], tonumber(ARGV[2]), ARGV[3], tonumber(ARGV[4])
local time = redis.call('TIME')
local nowMs = time[1] * 1000 + math.floor(time[2] / 1000)
local untilMs = nowMs + aheadMs
if from == '' then
  -- If the clock was set back, they are armed until a time that is far away.
  from = string.format('(%.0f', math.min(tonumber(redis.call('GET', KEYS[2]) or 0), untilMs))
end
local found = redis.call('ZRANGEBYSCORE', KEYS[1], from, untilMs, 'WITHSCORES', 'LIMIT', 0, limit)
local coming = { nowMs, untilMs, '' }
if #found == 2 * limit then
  -- Others may be due in the very millisecond of the last one; but it must go on.
  local last = found[#found]
  coming[3] = last == found[2] and '(' .. last or last
end
for i = 1, #found, 2 do
  local ref, kind = string.match(found[i], '^(.*)|([^|]*)$')
  -- A damaged row must not hold up the others.
  local stored = ref and redis.pcall('HGET', prefix .. ':s:' .. ref, 'dl')
  local isRead, deadlines = pcall(cjson.decode, stored)
  local deadlineMs = isRead and type(deadlines) == 'table' and tonumber(deadlines[kind])
  if deadlineMs then
    for _, value in ipairs({ found[i], tonumber(found[i + 1]), deadlineMs }) do
      coming[#coming + 1] = value
    end
  end
end
return coming
