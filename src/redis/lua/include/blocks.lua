--[[
  Blocks of an index. A sorted set of many members takes some 150 bytes for each; one of a few is a listpack and takes
  little more than the members. So members of sessions that ended long ago leave the sorted set of their index for its
  blocks: sorted sets of at most BLOCK_MAX members, score 0. A block has the members from its bound up to the next
  block's. The directory of an index is the sorted set of these bounds; the lowest is ''.

  The keys are made from that of the index and have its hash tag. No tenant has an empty name and no bound has a colon,
  so no other index has them.
]]
local BLOCK_MAX = 128

local function directoryOf(index)
  return (string.gsub(index, '^[^:]*:[^:]*', '%0::blocks', 1))
end

local function blockOf(index, bound)
  return string.gsub(index, '^[^:]*:[^:]*', '%0::block', 1) .. ':' .. bound
end

-- The bound of the block that a member is in, if it is in any; nil if there is no such block.
local function boundBelow(index, member)
  return redis.call('ZRANGE', directoryOf(index), '[' .. member, '-', 'BYLEX', 'REV', 'LIMIT', 0, 1)[1]
end

-- Moves the upper half of a full block to a new one.
local function splitBlock(index, bound)
  local block = blockOf(index, bound)
  local upper, added = redis.call('ZRANGE', block, BLOCK_MAX / 2, -1), {}
  for _, member in ipairs(upper) do
    added[#added + 1] = 0
    added[#added + 1] = member
  end
  redis.call('ZREMRANGEBYRANK', block, BLOCK_MAX / 2, -1)
  redis.call('ZADD', directoryOf(index), 0, upper[1])
  redis.call('ZADD', blockOf(index, upper[1]), unpack(added))
end

local function addToBlocks(index, member)
  local bound = boundBelow(index, member)
  if not bound then
    bound = ''
    redis.call('ZADD', directoryOf(index), 0, bound)
  elseif redis.call('ZCARD', blockOf(index, bound)) >= BLOCK_MAX then
    local above = redis.call('ZRANGE', blockOf(index, bound), '(' .. member, '+', 'BYLEX', 'LIMIT', 0, 1)
    if above[1] then
      splitBlock(index, bound)
      bound = boundBelow(index, member)
    else
      -- Most members come in their order: a full block stays full, and the next one begins.
      bound = member
      redis.call('ZADD', directoryOf(index), 0, bound)
    end
  end
  redis.call('ZADD', blockOf(index, bound), 0, member)
end

-- Removes a member of the blocks, and its block if it was the last in there.
local function removeFromBlocks(index, member)
  local bound = boundBelow(index, member)
  if bound then
    local block = blockOf(index, bound)
    redis.call('ZREM', block, member)
    if redis.call('EXISTS', block) == 0 then
      redis.call('ZREM', directoryOf(index), bound)
    end
  end
end

-- Up to `count` members of the blocks, newest first, between two bounds in the form of BYLEX.
local function newestInBlocks(index, from, stop, count)
  local members, below = {}, from
  repeat
    local bounds = redis.call('ZRANGE', directoryOf(index), below, '-', 'BYLEX', 'REV', 'LIMIT', 0, 4)
    for _, bound in ipairs(bounds) do
      local block = blockOf(index, bound)
      local part = redis.call('ZRANGE', block, from, stop, 'BYLEX', 'REV', 'LIMIT', 0, count - #members)
      for _, member in ipairs(part) do
        members[#members + 1] = member
      end
      -- Only in the first block may all members be newer than `from`.
      if #members >= count or (#part == 0 and below ~= from) then
        return members
      end
      below = '(' .. bound
    end
  until #bounds == 0
  return members
end
