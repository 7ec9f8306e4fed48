--[[
  States how many places of a tenant's quota an API process holds, and takes more. Each process states its whole number
  every time, so a repeat changes nothing, and what a call without an answer has left is put right by the next one. What
  a process holds counts until it has stated nothing for some time.

  KEYS  1 places
  ARGV  1 process id  2 how many it holds  3 how many more it asks for  4 limit  5 how long they count, in ms

  Returns how many more it has got
]]
local time = redis.call('TIME')
local nowMs = time[1] * 1000 + math.floor(time[2] / 1000)
local latestMs = nowMs + tonumber(ARGV[5])
local others = 0
local stated = redis.call('HGETALL', KEYS[1])
for at = 1, #stated, 2 do
  local count, expiresMs = string.match(stated[at + 1], '^(%d+)|(%d+)$')
  if stated[at] == ARGV[1] then
    -- Stated again below.
  elseif tonumber(expiresMs) <= nowMs then
    redis.call('HDEL', KEYS[1], stated[at])
  else
    others = others + tonumber(count)
    -- From before the clock was set back: it would count for too long by as much.
    if tonumber(expiresMs) > latestMs then
      redis.call('HSET', KEYS[1], stated[at], count .. '|' .. string.format('%.0f', latestMs))
    end
  end
end
local held, asked = tonumber(ARGV[2]), tonumber(ARGV[3])
local got = math.max(0, math.min(asked, tonumber(ARGV[4]) - others - held))
if held + got == 0 then
  redis.call('HDEL', KEYS[1], ARGV[1])
else
  redis.call('HSET', KEYS[1], ARGV[1], (held + got) .. '|' .. string.format('%.0f', latestMs))
  redis.call('PEXPIRE', KEYS[1], ARGV[5])
end
return got
