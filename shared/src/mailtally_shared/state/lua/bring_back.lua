-- Put an entry that was exported to a file back into quarantine: once, and only that entry.
--
-- ARGV[1]  cmsgpack of {entry, reason, records, moved_key, keep_key, sums_key, max_batches, max_bytes}
-- ARGV[2]  the entry, as it was stored
-- Answer   "back"; "unknown" when it was not exported, was put back already, or differs;
--          "full" when there is no room

local request = cmsgpack.unpack(ARGV[1])
local packed = ARGV[2]
if redis.call('HGET', request.moved_key, request.entry) ~= redis.sha1hex(packed) then
  return 'unknown'
end
local sums = redis.call('HMGET', request.sums_key, 'batches', 'bytes')
if tonumber(sums[1] or '0') >= request.max_batches
  or tonumber(sums[2] or '0') + #packed > request.max_bytes then
  return 'full'
end
redis.call('HDEL', request.moved_key, request.entry)
redis.call('HSET', request.keep_key, request.entry, packed)
redis.call('HINCRBY', request.sums_key, 'batches', 1)
redis.call('HINCRBY', request.sums_key, 'bytes', #packed)
redis.call('HINCRBY', request.sums_key, 'reason:' .. request.reason, 1)
if request.records ~= '0' then
  redis.call('HINCRBY', request.sums_key, 'records', request.records)
end
return 'back'
