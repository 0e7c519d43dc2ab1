-- Count batches of one collector that were refused because another batch has their number.
--
-- ARGV[1]  cmsgpack of {ledger, now}

local request = cmsgpack.unpack(ARGV[1])
redis.call('HINCRBY', request.ledger, 'different', 1)
redis.call('HSET', request.ledger, 'different_at', request.now)
