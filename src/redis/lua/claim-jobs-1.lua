--[[
  Takes over jobs whose consumer has died: those that are active and whose lock has lapsed, in the order in which they
  were fetched. What BullMQ does for stalled jobs, but at once, in that order, and without a trip through the queue.

  KEYS  1 active list of the queue
  ARGV  1 prefix of the queue's job keys  2 token of the new locks  3 how long they hold, ms  4 how many jobs to look at
        5 a lock that holds for no longer than this belongs to a job that is not accepted yet, ms

  Returns { wait, id, taken, … }: how long the longest of those short locks still holds, ms; then every job that was
  taken over, and how often it was in its life
]]
local wait = 0
local claimed = {}
local ids = redis.call('LRANGE', KEYS[1], -tonumber(ARGV[4]), -1)
for at = #ids, 1, -1 do
  local job = ARGV[1] .. ids[at]
  local holdsMs = redis.call('PTTL', job .. ':lock')
  if holdsMs >= 0 then
    if holdsMs <= tonumber(ARGV[5]) and holdsMs > wait then
      wait = holdsMs
    end
  elseif redis.call('EXISTS', job) == 1 then
    redis.call('SET', job .. ':lock', ARGV[2], 'PX', ARGV[3])
    claimed[#claimed + 1] = ids[at]
    claimed[#claimed + 1] = redis.call('HINCRBY', job, 'stc', 1)
  end
end
return { wait, unpack(claimed) }
