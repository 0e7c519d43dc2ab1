-- Begin another history: the former id ends at the present commits. Answer: the new pair.
-- KEYS: the history, the ended ones. ARGV: the new id, the number of ended ones to keep.
local former = redis.call('HMGET', KEYS[1], 'id', 'commits')
local commits = tonumber(former[2] or '0') or 0
if former[1] then
  redis.call('ZADD', KEYS[2], commits, former[1])
  redis.call('ZREMRANGEBYRANK', KEYS[2], 0, -1 - tonumber(ARGV[2]))
end
redis.call('HSET', KEYS[1], 'id', ARGV[1], 'commits', string.format('%d', commits))
return {ARGV[1], string.format('%d', commits)}
