--[[
  Forgets committed effects of one session that have been carried out, and returns the deadlines that the row holds
  now. The next commit may have cancelled a timer before the effect of this one armed it; the caller sees that in the
  reply and removes the timer.

  KEYS  1 effects  2 row
  ARGV  1… effects as they were stored

  Returns the row's deadlines as JSON, '{}' if there is no such session
]]
redis.call('ZREM', KEYS[1], unpack(ARGV))
return redis.call('HGET', KEYS[2], 'dl') or '{}'
