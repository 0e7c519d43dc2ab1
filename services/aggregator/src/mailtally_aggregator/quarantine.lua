-- Count an unusable batch and, at the limit, keep it aside whole and let the ledger pass it.
-- Prepended by ledger.lua.
--
-- ARGV[1]  cmsgpack of {batch, entry, reason, limit, poison_key, keep_key, sums_key, share, max_…}
-- ARGV[2]  what to keep, as it is: Redis's cmsgpack knows no binary strings
-- Answer   "again"  it will be sent again; "kept"  it is in quarantine; "full"  there is no room;
--          "dropped"  a message for which there is no room, counted only;
--          "refused"  it is applied already, or its collector is fenced: nothing to keep.

local request = cmsgpack.unpack(ARGV[1])
local batch = request.batch
local kept = ARGV[2]

-- Anybody who writes into the queue can send messages that no ledger knows of. They get half of the
-- room, so that they take none from batches, and what is beyond that is counted only: no record is
-- lost with it, because a batch is announced again.
-- Batches that are sound have a share as well: their collector waits with them, and no other one.
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
