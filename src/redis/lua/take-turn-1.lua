--[[
  Takes the turn of a sweep, unless another process has it. Redis stores the end of a turn by its wall clock. A turn
  with more time left than its whole length dates from before that clock was set back; it ends here.

  KEYS  1 lock
  ARGV  1 length of the turn in ms

  Returns Redis TIME in ms if the turn was taken, else 0
]]
local leftMs, turnMs = redis.call('PTTL', KEYS[1]), tonumber(ARGV[1])
if leftMs >= 0 and leftMs <= turnMs then
  return 0
end
redis.call('SET', KEYS[1], '1', 'PX', turnMs)
local time = redis.call('TIME')
return time[1] * 1000 + math.floor(time[2] / 1000)
