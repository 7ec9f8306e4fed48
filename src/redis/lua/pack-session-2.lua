--[[
  Replaces the snapshot and the history of an ended session by one packed value in its row. What is kept of its creation,
  its last operations and its fence goes with them: a repeat that comes later than that is told that the session exists, or
  has ended.

  KEYS  1 row  2 history
  ARGV  1 packed value  2 last operations of the row that was packed: no other session or revision has the same
        3 machine version from which on it can be read

  Returns 1; 0 if the session is gone, was changed or packed meanwhile, or is of a newer machine version
]]
local row = redis.call('HMGET', KEYS[1], 'ops', 'mv', 'snap')
if row[1] ~= ARGV[2] or not row[3] or tonumber(row[2]) > tonumber(ARGV[3]) then
  return 0
end
redis.call('HDEL', KEYS[1], 'snap', 'createOp', 'fn', 'fc')
redis.call('HSET', KEYS[1], 'pack', ARGV[1], 'mv', ARGV[3], 'ops', '')
redis.call('DEL', KEYS[2])
return 1
