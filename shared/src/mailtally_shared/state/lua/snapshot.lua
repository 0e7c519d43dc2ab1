-- A step of copying the state for a snapshot.
--
-- KEYS     the format, the mark of the snapshot in progress, its journal, the rest of its journal
-- ARGV     the step, the snapshot's token, milliseconds until an abandoned snapshot expires, a number of bytes:
--          for begin what the journal may hold, otherwise what is taken from it at once
-- Answer   false where the snapshot is over: it expired, another one began, or its journal had no room;
--          begin: 1, or 0 where there is no state; take, rest: entries of the journal, oldest first;
--          finish: the number of entries of the rest

local step, token, life, most = ARGV[1], ARGV[2], tonumber(ARGV[3]), tonumber(ARGV[4])
local format, mark, journal, rest = KEYS[1], KEYS[2], KEYS[3], KEYS[4]

local function begin()
  if redis.call('EXISTS', format) == 0 then
    return 0
  end
  redis.call('UNLINK', mark, journal)
  -- The journal outlives the mark: a mark without its journal would be a gap.
  redis.call('HSET', mark, 'token', token, 'room', most, 'life', 2 * life, 'bytes', 0)
  redis.call('PEXPIRE', mark, life)
  return 1
end

local function pop(key)
  local taken, size = {}, 0
  while size < most do
    local entry = redis.call('LPOP', key)
    if not entry then
      break
    end
    taken[#taken + 1], size = entry, size + #entry
  end
  redis.call('PEXPIRE', key, 2 * life)
  return taken, size
end

local function take()
  local taken, size = pop(journal)
  redis.call('HINCRBY', mark, 'bytes', 0 - size)  -- minus zero is no integer
  redis.call('PEXPIRE', mark, life)
  return taken
end

-- From here on nothing is recorded: this is the moment that the snapshot shows.
local function finish()
  redis.call('UNLINK', mark)
  if redis.call('EXISTS', journal) == 0 then
    return 0
  end
  redis.call('RENAME', journal, rest)
  redis.call('PEXPIRE', rest, 2 * life)
  return redis.call('LLEN', rest)
end

local function take_rest()
  return (pop(rest))
end

local function abandon()
  redis.call('UNLINK', mark, journal)
  return 1
end

if step ~= 'begin' and step ~= 'rest' and redis.call('HGET', mark, 'token') ~= token then
  return false
end
return ({begin = begin, take = take, finish = finish, rest = take_rest, abandon = abandon})[step]()
