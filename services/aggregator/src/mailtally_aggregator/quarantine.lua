-- Count an unusable batch and, at the limit, keep it aside whole and let the ledger pass it.
-- Prepended by ledger.lua.
--
-- ARGV[1]  cmsgpack of {batch, entry, poison_key, poison_field, limit, keep_key, sums_key, ...}
-- Answer   "again"  it will be sent again; "kept"  it is in quarantine; "full"  there is no room;
--          "refused"  it is applied already, or its collector is fenced: nothing to keep.

local request = cmsgpack.unpack(ARGV[1])
local batch = request.batch

local function room()
  local sums = redis.call('HMGET', request.sums_key, 'batches', 'bytes')
  return tonumber(sums[1] or '0') < request.max_batches
    and tonumber(sums[2] or '0') + #request.kept <= request.max_bytes
end

local function keep()
  if redis.call('HSET', request.keep_key, request.entry, request.kept) == 1 then
    redis.call('HINCRBY', request.sums_key, 'batches', 1)
    redis.call('HINCRBY', request.sums_key, 'bytes', #request.kept)
    redis.call('HINCRBY', request.sums_key, 'reason:' .. request.reason, 1)
  end
end

if batch then
  if refusal(batch) then
    return 'refused'
  end
  local times = redis.call('HINCRBY', request.poison_key, request.entry, 1)
  if times < request.limit then
    return 'again'
  end
end
if not room() then
  return 'full'
end
keep()
if batch then
  redis.call('HDEL', request.poison_key, request.entry)
  redis.call('HINCRBY', request.sums_key, 'records', batch.records)
  add_counts(batch.ledger, batch.counts)
  mark_applied(batch)
end
return 'kept'
