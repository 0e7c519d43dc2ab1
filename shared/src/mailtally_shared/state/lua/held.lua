-- Records that are too far ahead of time, in a book of their own for each collector.
-- Prepended to commit.lua, drop_held.lua and settle.lua; ledger.lua comes before it.

-- Did a held day change since it was read?
local function held_changed(held)
  return (redis.call('HGET', held.day, 'changes') or '') ~= held.changes
end

-- Remove a held day from its book.
local function release_held(held)
  if redis.call('HINCRBY', held.records_key, held.collector, '-' .. held.messages) == 0 then
    redis.call('HDEL', held.records_key, held.collector)
  end
  if redis.call('HINCRBY', held.names_key, held.collector, '-' .. held.names) <= 0 then
    redis.call('HDEL', held.names_key, held.collector)
  end
  redis.call('ZREM', held.days_key, held.iso)
  for _, each in ipairs(held.totals) do
    redis.call('UNLINK', each.key)
  end
  redis.call('UNLINK', held.day)
end
