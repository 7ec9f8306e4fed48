--[[
  The indexes that a session is in, and its member in all of them, from what stands in its row. Labels that cannot be
  read are left out. A packed row has of the member only the time, in so many digits; the id stands in its key.
]]
local MEMBER_TIME = 12

local function memberOf(ref, stored)
  return #stored == MEMBER_TIME and stored .. string.match(ref, '[^/]*$') or stored
end

local function indexesOf(prefix, ref, status, labelKeys)
  local tenant = prefix .. ':ix:' .. (string.match(ref, '^[^/]+') or '')
  local indexes = { tenant .. ':all', tenant .. ':st:' .. status }
  local isRead, labels = pcall(cjson.decode, labelKeys or '')
  if isRead and type(labels) == 'table' then
    for _, label in ipairs(labels) do
      indexes[#indexes + 1] = tenant .. ':l:' .. tostring(label)
    end
  end
  return indexes
end
