-- Records what a script writes while a snapshot is being copied. Prepended to every script that changes the state.
--
-- KEYS, the last two: the mark of the snapshot in progress, and its journal. Without the mark nothing is recorded.
--
-- A journal entry is cmsgpack of a command that sets what was written to its new value, so that replaying it
-- over a copy that was read before or after comes to the same. A command that is not known here ends the snapshot: it
-- is taken again later, and is never wrong.

local redis = redis

do
  local server, mark, journal = redis, KEYS[#KEYS - 1], KEYS[#KEYS]
  local found = server.call('HMGET', mark, 'room', 'life')
  local recording, room, life = found[1] ~= false, tonumber(found[1]), tonumber(found[2])

  local function give_up()
    server.call('UNLINK', mark, journal)
    recording = false
  end

  local function record(...)
    local entry = cmsgpack.pack({...})
    if server.call('RPUSH', journal, entry) == 1 then
      server.call('PEXPIRE', journal, life)
    end
    if server.call('HINCRBY', mark, 'bytes', #entry) > room then
      give_up()
    end
  end

  local function as_it_is(_, ...)
    record(...)
  end

  local function field(_, _, key, name)
    local value = server.call('HGET', key, name)
    if value then
      record('HSET', key, name, value)
    end
  end

  -- One with options sets a key that expires, which no snapshot has.
  local function text(_, command, key, value, ...)
    if select('#', ...) == 0 then
      record(command, key, value)
    end
  end

  -- Items of a list are recorded with the position of the first one.
  local function appended(length, command, key, ...)
    record(command, key, length - select('#', ...), ...)
  end

  local function cut(_, command, key, first, last)
    if tonumber(first) ~= 0 or tonumber(last) < 0 then
      return give_up()
    end
    record(command, key, 0, last)
  end

  local function nothing()
  end

  local known = {
    HSET = as_it_is, HDEL = as_it_is, HINCRBY = field, HSETNX = field,
    SADD = as_it_is, SREM = as_it_is,
    ZADD = as_it_is, ZREM = as_it_is, ZREMRANGEBYRANK = as_it_is,
    RPUSH = appended, LTRIM = cut,
    SET = text, DEL = as_it_is, UNLINK = as_it_is, PEXPIRE = nothing,
  }
  for _, reads in ipairs({
    'EXISTS', 'GET', 'HEXISTS', 'HGET', 'HGETALL', 'HKEYS', 'HLEN', 'HMGET', 'HSTRLEN', 'HVALS', 'LINDEX',
    'LLEN', 'LRANGE', 'PTTL', 'SCARD', 'SISMEMBER', 'SSCAN', 'ZCARD', 'ZSCORE',
  }) do
    known[reads] = nothing
  end

  local function and_record(answer, command, ...)
    if recording then
      (known[command] or give_up)(answer, command, ...)
    end
    return answer
  end

  if recording then
    redis = {
      call = function(...)
        return and_record(server.call(...), ...)
      end,
      pcall = function(...)
        return and_record(server.pcall(...), ...)
      end,
      sha1hex = server.sha1hex,
    }
  end
end
