-- What commit.lua and quarantine.lua share: is a batch new, and marking it as applied.

-- A collector may write its own ledger. What it spoils there must cost its own figures only, and never
-- stop a script half-way, which would count the others' batches again.
local function whole(text)
  return tonumber(text or '0') or 0
end

-- nil for a batch that may be applied, otherwise why it may not.
local function refusal(batch)
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

-- The batch is applied: below hwm + 1 there is no gap, above it single ones wait in `ahead`.
local function mark_applied(batch)
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
