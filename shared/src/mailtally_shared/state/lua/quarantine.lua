-- Count an unusable batch and, at the limit, quarantine it and let the ledger pass it.
-- Prepended by ledger.lua.
--
-- ARGV[1]  cmsgpack of {batch, entry, reason, limit, poison_key, keep_key, sums_key, share, max_…}
-- ARGV[2]  the entry to store, unchanged: Redis's cmsgpack knows no binary strings
-- Answer   "again"  it will be sent again; "kept"  it is in quarantine; "full"  there is no room;
--          "dropped"  a message without room, only counted;
--          "refused"  it is applied already, or its collector is fenced: nothing to quarantine.

local request = cmsgpack.unpack(ARGV[1])
local batch = request.batch
local kept = ARGV[2]

-- Any process that can write to the queue can send messages that no ledger knows. They get half of the
-- room, so that they take none from batches, and further ones are only counted: no record is lost with
-- them, because a batch is announced again.
-- Sound batches have a share as well: beyond it only their own collector waits.
local share = request.share or batch and 1 or 0.5

local function room()
  local sums = redis.call('HMGET', request.sums_key, 'batches', 'bytes')
  return tonumber(sums[1] or '0') < request.max_batches * share
    and tonumber(sums[2] or '0') + #kept <= request.max_bytes * share
end

local function keep()
  if redis.call('HSET', request.keep_key, request.entry, kept) == 1 then
    redis.call('HINCRBY', request.sums_key, 'batches', 1)
    redis.call('HINCRBY', request.sums_key, 'bytes', #kept)
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
  if batch then
    return request.share and 'again' or 'full'
  end
  redis.call('HINCRBY', request.sums_key, 'dropped', 1)
  return 'dropped'
end
keep()
if batch then
  redis.call('HDEL', request.poison_key, request.entry)
  redis.call('HINCRBY', request.sums_key, 'records', batch.records)
  add_counts(batch.ledger, batch.counts)
  mark_applied(batch)
end
return 'kept'
