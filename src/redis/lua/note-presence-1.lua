--[[
  Records that clients are connected to sessions, or wait for them. Does nothing to a session that has no disconnect
  deadline, such as one that has ended, so that a late call leaves no data behind.

  KEYS  1 present  2… rows
  ARGV  the refs, in the order of the rows

  Returns how many were noted
]]
local time = redis.call('TIME')
local nowMs = time[1] * 1000 + math.floor(time[2] / 1000)
local noted = 0
for i, ref in ipairs(ARGV) do
  local deadlines = redis.call('HGET', KEYS[1 + i], 'dl')
  if deadlines and cjson.decode(deadlines).disconnect then
    redis.call('HSET', KEYS[1], ref, nowMs)
    noted = noted + 1
  end
end
return noted
