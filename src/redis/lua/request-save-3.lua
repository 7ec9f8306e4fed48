--[[
  Asks the owner of a live session for a save of its context.

  KEYS  1 number of the last request  2 requested saves  3 control stream of the owner
  ARGV  1 ref  2 cap of the control stream

  Returns the number of this request. A save that begins after it has this number or a higher one.
]]
local id = redis.call('INCR', KEYS[1])
redis.call('HSET', KEYS[2], ARGV[1], id)
redis.call('XADD', KEYS[3], 'MAXLEN', '~', ARGV[2], '*', 'c', cjson.encode({ order = 'save', ref = ARGV[1] }))
return id
