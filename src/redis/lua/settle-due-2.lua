--[[
  A deadline of a session needs no action now: drops its entry, or moves it to when it is due. If the session was
  changed after it was read, the entry is left alone: it may have been armed again.

  KEYS  1 due  2 row
  ARGV  1 member  2 revision of the session as it was read; '' if there was none  3 its new score; '' to drop it

  Returns 1 if the session is unchanged, else 0
]]
if (redis.call('HGET', KEYS[2], 'rev') or '') ~= ARGV[2] then
  return 0
end
if ARGV[3] == '' then
  redis.call('ZREM', KEYS[1], ARGV[1])
else
  redis.call('ZADD', KEYS[1], 'XX', ARGV[3], ARGV[1])
end
return 1
