-- Prepended by ledger.lua and held.lua.
-- A day was rebuilt from its logs: its files hold all of it, and the state's books of it are settled.
-- KEYS: every key that is named here. ARGV[1]: cmsgpack of {books, held, iso, pinned, pin, stopped, retired, missing}.
-- A book: {day, days, opened, changes, keys}; `changes` is the counter before the logs were read.
-- Answer: 0 where something was counted for the day in the meantime; nothing is changed then.
local request = cmsgpack.unpack(ARGV[1])
for _, book in ipairs(request.books) do
  if (redis.call('HGET', book.day, 'changes') or '') ~= book.changes then
    return 0
  end
end
for _, day in ipairs(request.held) do
  if held_changed(day) then
    return 0
  end
end
for _, day in ipairs(request.held) do
  redis.call('HINCRBY', request.retired, 'messages', day.messages)
  release_held(day)
end
for _, book in ipairs(request.books) do
  local sums = redis.call('HMGET', book.day, 'messages', 'bytes', 'transferred')
  redis.call('HINCRBY', request.retired, 'messages', sums[1] or '0')
  redis.pcall('HINCRBY', request.retired, 'bytes', sums[2] or '0')
  redis.pcall('HINCRBY', request.retired, 'transferred', sums[3] or '0')
  redis.call('ZREM', book.days, request.iso)
  redis.call('HDEL', book.opened, request.iso)
  for _, key in ipairs(book.keys) do
    redis.call('UNLINK', key)
  end
  redis.call('UNLINK', book.day)
end
if request.was_live then
  redis.call('HINCRBY', request.retired, 'days', 1)
end
redis.call('HSET', request.pinned, request.iso, request.pin)
redis.call('HDEL', request.stopped, request.iso)
for _, each in ipairs(request.missing) do
  redis.call('HDEL', each.key, unpack(each.hours))
end
return 1
