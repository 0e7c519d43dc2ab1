-- What commit.lua and quarantine.lua share: is a batch new, and marking it as applied.

-- A collector may write its own ledger. What it spoils there must cost its own figures only, and never
-- stop a script half-way, which would count the others' batches again.
local function whole(text)
  return tonumber(text or '0') or 0
end

-- nil for a batch that may be applied, otherwise why it may not.
local function refusal(batch)
  if batch.kept then
    return redis.call('HEXISTS', batch.kept.key, batch.kept.entry) == 0 and 'known' or nil
  end
  local owner = redis.call('HMGET', batch.registration, 'id', 'epoch')
  if owner[1] ~= batch.id or owner[2] ~= batch.epoch then
    return 'fenced'
  end
  local hwm = whole(redis.call('HGET', batch.ledger, 'hwm'))
  if batch.seq <= hwm or redis.call('HEXISTS', batch.ahead, batch.seq) == 1 then
    return 'known'
  end
  return nil
end

local function raise_watermark(ledger, watermark)
  if watermark > whole(redis.call('HGET', ledger, 'watermark')) then
    redis.call('HSET', ledger, 'watermark', string.format('%d', watermark))
  end
end

-- Take something out of quarantine; `records` were in it, as a decimal string.
local function release(kept, records)
  local size = redis.call('HSTRLEN', kept.key, kept.entry)
  redis.call('HDEL', kept.key, kept.entry)
  redis.call('HINCRBY', kept.sums_key, 'batches', -1)
  redis.call('HINCRBY', kept.sums_key, 'bytes', -size)
  if records ~= '0' then
    redis.call('HINCRBY', kept.sums_key, 'records', '-' .. records)
  end
  if redis.call('HINCRBY', kept.sums_key, 'reason:' .. kept.reason, -1) == 0 then
    redis.call('HDEL', kept.sums_key, 'reason:' .. kept.reason)
  end
end

-- The batch is applied: below hwm + 1 there is no gap, above it single ones wait in `ahead`.
local function mark_applied(batch)
  if batch.kept then
    release(batch.kept, batch.records)  -- the ledger passed it when it was kept aside
    return
  end
  redis.call('HSET', batch.ahead, batch.seq, cmsgpack.pack({batch.watermark, batch.progress}))
  local hwm = whole(redis.call('HGET', batch.ledger, 'hwm'))
  local packed = redis.call('HGET', batch.ahead, hwm + 1)
  while packed do
    hwm = hwm + 1
    local entry = cmsgpack.unpack(packed)
    redis.call('HSET', batch.ledger, 'hwm', string.format('%d', hwm), 'progress', entry[2])
    raise_watermark(batch.ledger, entry[1])
    redis.call('HDEL', batch.ahead, hwm)
    packed = redis.call('HGET', batch.ahead, hwm + 1)
  end
  redis.call('DEL', batch.payload)
end

local function add_counts(ledger, counts)
  for name, count in pairs(counts) do
    redis.pcall('HINCRBY', ledger, name, count)
  end
end
