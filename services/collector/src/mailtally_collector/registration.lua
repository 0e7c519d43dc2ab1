-- A collector says who it is, at each start.
--
-- ARGV[1]  cmsgpack of {format, registration, hosts, collectors, ledger, host, id, epoch}
--          epoch is '0' for a state directory that was never registered.
-- Answer   {status, epoch, hwm}; status is
--   'not-open'  no aggregator has opened the state yet: wait
--   'fenced'    another collector took this host name over: stop
--   'known'     go on
--   'new'       the first collector under this host name, or one that took it over

local request = cmsgpack.unpack(ARGV[1])

local function own(epoch, predecessor)
  redis.call('HSET', request.registration, 'id', request.id, 'epoch', epoch)
  redis.call('SADD', request.hosts, request.host)
  redis.call('SADD', request.collectors, request.id)
  redis.call('HSET', request.ledger, 'host', request.host, 'epoch', epoch)
  if predecessor then
    redis.call('HSETNX', request.ledger, 'predecessor', predecessor)
  end
end

if redis.call('EXISTS', request.format) == 0 then
  return {'not-open', '0', '0'}
end
local owner = redis.call('HMGET', request.registration, 'id', 'epoch')
local mine, theirs = tonumber(request.epoch), tonumber(owner[2] or '0')
local status = 'known'
if not owner[1] then
  status = 'new'
  own(string.format('%d', math.max(mine, 1)), false)
elseif owner[1] == request.id then
  if mine ~= 0 and mine ~= theirs then
    return {'fenced', owner[2], '0'}
  end
elseif mine == 0 or mine > theirs then
  status = 'new'
  own(string.format('%d', math.max(mine, theirs + 1)), owner[1])
else
  return {'fenced', owner[2], '0'}
end
-- How far it has read it says anew: an earlier word may have been "to the end of input".
redis.call('HSET', request.ledger, 'watermark', '0')
return {status, redis.call('HGET', request.registration, 'epoch'),
  redis.call('HGET', request.ledger, 'hwm') or '0'}
