--[[
  Reads a session together with the time.

  KEYS  1 row  2 activity  3 attached  4 present
  ARGV  1 ref

  Returns { nowMs } if there is no such session, else
          { nowMs, rev, mv, snapshot, fingerprint, lastActivityMs | '', firstAttachedMs | '', presentAtMs | '', ops,
            status, deadlines, member, labels, save | '', tokenGeneration, traffic | '', packed | '' }
          ops: the last operations applied, as `opId=rev;opId=rev…`
          status … labels: the fields beside the snapshot, for callers that cannot read the snapshot
          save: what became of the save at the session's end, as JSON
          traffic: what went through its forward proxy, as JSON
          tokenGeneration: how often its connect token was rotated
          packed: snapshot and history of a session that ended long ago; then there is no snapshot beside it
]]
local time = redis.call('TIME')
local nowMs = time[1] * 1000 + math.floor(time[2] / 1000)
local row = redis.call('HMGET', KEYS[1], 'rev', 'mv', 'snap', 'fp', 'ops', 'st', 'dl', 'ix', 'lk', 'save', 'tok',
  'traffic', 'pack')
if not row[1] then
  return { nowMs }
end
local activity = redis.call('HGET', KEYS[2], ARGV[1])
local attached = redis.call('HGET', KEYS[3], ARGV[1])
local present = redis.call('HGET', KEYS[4], ARGV[1])
return { nowMs, tonumber(row[1]), tonumber(row[2]), row[3] or '', row[4] or '', activity or '', attached or '',
  present or '', row[5] or '', row[6] or '', row[7] or '', row[8] or '', row[9] or '', row[10] or '', row[11] or '0',
  row[12] or '', row[13] or '' }
