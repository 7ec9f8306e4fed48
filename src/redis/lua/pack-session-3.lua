--[[
  Makes what is kept of a session that ended long ago small, all or nothing. One packed value in its row replaces
  snapshot and history; what is kept of its creation, its last operations and its fence goes with them: a repeat that
  comes later than that is told that the session exists, or has ended. Its places in the indexes move to their blocks.

  The first write takes no memory, so that a Redis that is full does all of it, too.

  KEYS  1 row  2 history  3 ended
  ARGV  1 packed value; '' if the row stays as it is
        2 last operations of the row that was packed: no other session or revision has the same
        3 machine version from which on it can be read  4 key prefix  5 ref  6 when it has ended at the latest, ms

  Returns 1; 0 if it stays as it is: it ended later, is not what was packed, or is of a newer machine version; -1 if it
  is gone or was moved before
]]
--- @include "blocks"
--- @include "session-indexes"
local endedAtMs = tonumber(redis.call('ZSCORE', KEYS[3], ARGV[5]))
if not endedAtMs then
  return -1
end
local row = redis.call('HMGET', KEYS[1], 'ops', 'mv', 'snap', 'st', 'ix', 'lk')
local isKnown = row[2] and row[4] and row[5] and tonumber(row[2]) <= tonumber(ARGV[3])
if not isKnown or endedAtMs > tonumber(ARGV[6]) or row[1] ~= ARGV[2] then
  return 0
end

redis.call('ZREM', KEYS[3], ARGV[5])
addToBlocks(KEYS[3], string.format('%012x', endedAtMs) .. ARGV[5])
local member = memberOf(ARGV[5], row[5])
for _, index in ipairs(indexesOf(ARGV[4], ARGV[5], row[4], row[6])) do
  -- An index of a few members is a listpack as it is: most labels with a value of their own are in no other session.
  local isLarge = redis.call('ZCARD', index) > BLOCK_MAX or redis.call('EXISTS', directoryOf(index)) == 1
  if isLarge and redis.call('ZREM', index, member) == 1 then
    addToBlocks(index, member)
  end
end
if ARGV[1] ~= '' and row[3] then
  redis.call('HDEL', KEYS[1], 'snap', 'createOp', 'fn', 'fc')
  redis.call('HSET', KEYS[1], 'pack', ARGV[1], 'mv', ARGV[3], 'ops', '',
    'ix', string.sub(row[5], 1, MEMBER_TIME))
  redis.call('DEL', KEYS[2])
end
return 1
