-- All lasting keys of the state, at one moment.
-- ARGV: glob of all keys, prefix of the payloads, which collectors can send again.
-- KEYS[1]: the format's key, without which there is no state.
-- Answer: a flat list key, DUMP, key, DUMP … ; empty where there is no state.
if redis.call('EXISTS', KEYS[1]) == 0 then
  return {}
end
local found = {}
for _, key in ipairs(redis.call('KEYS', ARGV[1])) do
  -- A key that expires is a sign of life or a lease, and is meaningless later.
  if string.sub(key, 1, #ARGV[2]) ~= ARGV[2] and redis.call('PTTL', key) < 0 then
    found[#found + 1] = key
    found[#found + 1] = redis.call('DUMP', key)
  end
end
return found
