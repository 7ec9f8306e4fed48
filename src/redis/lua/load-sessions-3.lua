--[[
  Reads sessions together with the time.

  KEYS  1 activity  2 attached  3 present  4… their rows
  ARGV  their refs

  Returns { nowMs, session… }, each session {} if there is none, else
          { rev, mv, snapshot, fingerprint, ops, status, deadlines, member, labels, save | '', tokenGeneration,
            traffic | '', packed | '', lastActivityMs | '', firstAttachedMs | '', presentAtMs | '' }
          ops: the last operations applied, as `opId=rev;opId=rev…`
          status … labels: the fields beside the snapshot, for callers that cannot read the snapshot
          save: what became of the save at the session's end, as JSON
          traffic: what went through its forward proxy, as JSON
          tokenGeneration: how often its connect token was rotated
          packed: snapshot and history of a session that ended long ago; then there is no snapshot beside it
]]
local FIELDS = { 'rev', 'mv', 'snap', 'fp', 'ops', 'st', 'dl', 'ix', 'lk', 'save', 'tok', 'traffic', 'pack' }
local time = redis.call('TIME')
local reply = { time[1] * 1000 + math.floor(time[2] / 1000) }
local beside = {
  redis.call('HMGET', KEYS[1], unpack(ARGV)),
  redis.call('HMGET', KEYS[2], unpack(ARGV)),
  redis.call('HMGET', KEYS[3], unpack(ARGV)),
}
for i = 4, #KEYS do
  local row = redis.call('HMGET', KEYS[i], unpack(FIELDS))
  if row[1] then
    row[11] = row[11] or '0'
    for j = 1, 3 do
      row[#FIELDS + j] = beside[j][i - 3]
    end
    for j = 1, #FIELDS + 3 do
      row[j] = row[j] or ''
    end
  else
    row = {}
  end
  reply[i - 2] = row
end
return reply
