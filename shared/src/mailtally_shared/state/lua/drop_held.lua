-- Drop a held day, because an operator judges its records to be worthless.
-- Prepended by ledger.lua and held.lua.
--
-- ARGV[1]  cmsgpack of {held, dropped_key, history}
-- Answer   1, or 0 where the day changed or is gone; nothing is changed then.

local request = cmsgpack.unpack(ARGV[1])
if held_changed(request.held) then
  return 0
end
redis.call('HINCRBY', request.dropped_key, request.held.collector, request.held.messages)
release_held(request.held)
redis.call('HINCRBY', request.history, 'commits', 1)
return 1
