-- Remove something from quarantine without counting it. Prepended by ledger.lua.
--
-- ARGV[1]  cmsgpack of {kept, records}
-- Answer   1, or 0 when it is not there any more.

local request = cmsgpack.unpack(ARGV[1])
if redis.call('HEXISTS', request.kept.key, request.kept.entry) == 0 then
  return 0
end
release(request.kept, request.records)
return 1
