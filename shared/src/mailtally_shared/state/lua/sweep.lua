-- Remove names that no collector registered from one of the sets that collectors add to: one step of a scan.
-- ledger.lua comes before it.
--
-- KEYS[1]  the set
-- ARGV     the cursor, the longest name, and the prefixes of the keys of registrations, ledgers,
--          collectors' own statements and lost hours; the last three are empty for the set of hosts
-- Answer   the next cursor; "0" at the end

local longest, registrations, ledgers = tonumber(ARGV[2]), ARGV[3], ARGV[4]
local words, lost = ARGV[5], ARGV[6]

-- Digits of a collector's id that identify its host, and the number of a host's former collectors that one
-- step keeps because of lost hours: the host's credentials can make any number up.
local MARK, MOST_KEPT = 12, 10
local kept = {}

-- A collector whose state directory was lost before anything was applied may have named hours that lost
-- batches touched, whose days wait for a person. Its id has its owner's mark, so no other host can forge it.
local function is_former(id, host, owner)
  if string.sub(owner, 1, MARK) ~= string.sub(id, 1, MARK) or redis.call('EXISTS', lost .. id) == 0 then
    return false
  end
  kept[host] = (kept[host] or 0) + 1
  return kept[host] <= MOST_KEPT
end

-- A collector may have statements under any id with its host's mark, so these alone keep no id.
local function is_collector(id)
  if redis.call('EXISTS', ledgers .. id) == 1 then
    return true
  end
  local host = short(words .. id, 'host', 255)
  local owner = host and short(registrations .. host, 'id', 32)
  return owner and (owner == id or is_former(id, host, owner))
end

local function is_registered(name)
  if ledgers == '' then
    return redis.call('EXISTS', registrations .. name) == 1
  end
  return is_collector(name)
end

local step = redis.call('SSCAN', KEYS[1], ARGV[1], 'COUNT', 1000)
for _, name in ipairs(step[2]) do
  if #name > longest or not is_registered(name) then
    redis.call('SREM', KEYS[1], name)
  end
end
return step[1]
