-- Remove an entry from quarantine without counting it. Prepended by ledger.lua.
--
-- ARGV[1]  cmsgpack of {kept, records, moved_key}; with moved_key it was exported to a file, from
--          which it may be put back once
-- Answer   1, or 0 when it is no longer there.

local request = cmsgpack.unpack(ARGV[1])
if redis.call('HEXISTS', request.kept.key, request.kept.entry) == 0 then
  return 0
end
if request.moved_key then
  local packed = redis.call('HGET', request.kept.key, request.kept.entry)
  redis.call('HSET', request.moved_key, request.kept.entry, redis.sha1hex(packed))
end
release(request.kept, request.records)
return 1
