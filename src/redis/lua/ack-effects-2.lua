--[[
  Committed effects of one session are carried out: forgets them, and tells which deadlines the row holds by now. The
  next commit may have cancelled what was only armed after it; whoever armed it sees that here and takes it back.

  KEYS  1 effects  2 row
  ARGV  1… effects as they were stored

  Returns the row's deadlines as JSON, '{}' if there is no such session
]]
redis.call('ZREM', KEYS[1], unpack(ARGV))
return redis.call('HGET', KEYS[2], 'dl') or '{}'
