-- Shared by commit.lua and quarantine.lua: whether a batch is new, and marking it as applied.

local function whole(text)
  return tonumber(text or '0') or 0
end

-- A field of a hash that a collector writes, if it is no longer than it should be: a longer one is not
-- fetched. A collector that spoils such a field must lose only its own figures, and must never stop a script
-- half-way, which would have the batches of others counted again.
local function short(key, field, most)
  if redis.call('HSTRLEN', key, field) > most then
    return nil
  end
  return redis.call('HGET', key, field)
end

-- nil where a message is of the start that is registered under its host name; else 'fenced' where another
-- collector is registered, and 'outdated' for another start of the same one, which sends it again.
local function standing(message)
  if short(message.registration, 'id', 32) ~= message.id then
    return 'fenced'
  end
  local epoch = short(message.registration, 'epoch', 16)
  local nonce = short(message.registration, 'nonce', 32)
  if epoch ~= message.epoch or nonce ~= message.nonce then
    return 'outdated'
  end
  return nil
end

-- The ledger names the start that its watermark is of: an earlier start may have read further, perhaps to
-- the end of its input, than this one has.
local function take_in(message)
  if redis.call('HGET', message.ledger, 'nonce') ~= message.nonce then
    redis.call('HSET', message.ledger, 'host', message.host, 'epoch', message.epoch,
      'nonce', message.nonce, 'watermark', '0')
  end
end

-- The number up to which the collector gave lost batches up; 0 for anything but a number.
local function given_up(message)
  local passed = short(message.said, 'passed', 16) or ''
  return string.match(passed, '^%d+$') and math.min(tonumber(passed), 2^53 - 1) or 0
end

local function applied_up_to(message)
  return math.max(whole(redis.call('HGET', message.ledger, 'hwm')), given_up(message))
end

-- A batch whose number is applied: the same one again, or another one. A number without a checksum was
-- applied so long ago that no batch with it is in transit.
local function repeated(checksum, batch)
  if checksum and checksum ~= batch.checksum then
    return 'different'
  end
  return 'known'
end

-- nil for a batch that may be applied, otherwise why it may not.
local function refusal(batch)
  if batch.kept then
    return redis.call('HEXISTS', batch.kept.key, batch.kept.entry) == 0 and 'known' or nil
  end
  local speaker = standing(batch)
  if speaker then
    return speaker
  end
  if batch.seq <= applied_up_to(batch) or redis.call('HEXISTS', batch.ahead, batch.seq) == 1 then
    return repeated(redis.call('HGET', batch.checksums, batch.seq), batch)
  end
  return nil
end

local function raise_watermark(ledger, watermark)
  if watermark > whole(redis.call('HGET', ledger, 'watermark')) then
    redis.call('HSET', ledger, 'watermark', string.format('%d', watermark))
  end
end

-- Record the collector's clock, and Redis's at the same moment.
local function note_clock(ledger, said)
  if said.state_clock ~= '0' then
    redis.call('HSET', ledger, 'clock', said.clock, 'state_clock', said.state_clock)
  end
end

-- Remove an entry from quarantine; it has `records`, a decimal string.
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

-- Let the ledger pass the batches that its collector gave up, and those applied ahead of them.
local function pass_lost(message)
  local hwm = given_up(message)
  if hwm <= whole(redis.call('HGET', message.ledger, 'hwm')) then
    return
  end
  redis.call('HSET', message.ledger, 'hwm', string.format('%d', hwm))
  local newest = 0
  for _, seq in ipairs(redis.call('HKEYS', message.ahead)) do
    local number = whole(seq)
    if number <= hwm then
      if number > newest then
        newest = number
        local entry = cmsgpack.unpack(redis.call('HGET', message.ahead, seq))
        redis.call('HSET', message.ledger, 'progress', entry[2])
      end
      redis.call('HDEL', message.ahead, seq)
    end
  end
end

-- Mark a batch as applied: up to hwm there is no gap; single batches above it wait in `ahead`.
local function mark_applied(batch)
  if batch.kept then
    release(batch.kept, batch.records)  -- the ledger passed it when it was quarantined
    return
  end
  take_in(batch)
  note_clock(batch.ledger, batch)
  pass_lost(batch)
  redis.call('HSET', batch.ahead, batch.seq, cmsgpack.pack({batch.watermark, batch.progress}))
  redis.call('HSET', batch.checksums, batch.seq, batch.checksum)
  local hwm = whole(redis.call('HGET', batch.ledger, 'hwm'))
  local packed = redis.call('HGET', batch.ahead, hwm + 1)
  while packed do
    hwm = hwm + 1
    local entry = cmsgpack.unpack(packed)
    redis.call('HSET', batch.ledger, 'hwm', string.format('%d', hwm), 'progress', entry[2])
    raise_watermark(batch.ledger, entry[1])
    redis.call('HDEL', batch.ahead, hwm)
    redis.call('HDEL', batch.checksums, hwm - batch.checksums_kept)
    packed = redis.call('HGET', batch.ahead, hwm + 1)
  end
  redis.call('DEL', batch.payload)
end

-- A reason of malformed lines for which the ledger has no room counts as `other`: a collector could make
-- up new ones for ever.
local MOST_FIELDS = 128

local function field_of(ledger, name)
  local is_reason = string.sub(name, 1, 10) == 'malformed:'
  if is_reason and redis.call('HEXISTS', ledger, name) == 0
    and redis.call('HLEN', ledger) >= MOST_FIELDS then
    return 'malformed:other'
  end
  return name
end

local function add_counts(ledger, counts)
  for name, count in pairs(counts) do
    redis.pcall('HINCRBY', ledger, field_of(ledger, name), count)
  end
end
