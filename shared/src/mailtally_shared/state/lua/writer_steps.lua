-- The day writer's steps on the state. ARGV[1] is cmsgpack of {step, lease, token, ...}.
-- Every step but `lease` is refused (false) to a process that no longer holds the lease.

local request = cmsgpack.unpack(ARGV[1])

local function lease()
  if redis.call('EXISTS', request.format) == 0 then
    return 'empty'
  end
  local holder = redis.call('GET', request.lease)
  if holder ~= false and holder == request.token then
    -- Each renewal is written to disk: while two thirds are left, it is not needed. It is due at moments
    -- at which other things are written too.
    local left = redis.call('PTTL', request.lease)
    if request.due or left < request.milliseconds * 2 / 3 or left > request.milliseconds then
      redis.call('PEXPIRE', request.lease, request.milliseconds)
    end
    return holder
  end
  if holder ~= false then
    return false
  end
  redis.call('SET', request.lease, request.claim, 'PX', request.milliseconds)
  return request.claim
end

-- Return a unique revision number above `above`, the newest in the directory, which is ahead of the
-- state where that was restored from an older copy.
local function begin()
  local newest = tonumber(redis.call('HGET', request.day, 'revision') or '0')
  local revision = string.format('%d', math.max(newest, tonumber(request.above)) + 1)
  redis.call('HSET', request.day, 'revision', revision)
  return revision
end

-- Record that the files of a revision are in place.
local function finish()
  if redis.call('HGET', request.day, 'revision') ~= request.revision then
    return false
  end
  redis.call('HSET', request.day, 'written_changes', request.changes,
    'written_at', request.now, 'written_revision', request.revision,
    'complete', request.complete, 'missing', request.missing,
    'incomplete', request.incomplete)
  redis.call('HDEL', request.day, 'stopped_changes')
  redis.call('HDEL', request.stopped, request.iso)
  return '1'
end

-- Record that a day is not written, and why; its book records the change up to which it was judged.
local function stop()
  redis.call('HSET', request.stopped, request.iso, request.why)
  for _, day in ipairs(request.books) do
    if redis.call('EXISTS', day) == 1 then
      redis.call('HSET', day, 'stopped_changes', request.changes)
    end
  end
  return '1'
end

-- Drop the totals of a day whose files hold all of it; later records are late.
local function retire()
  local day = redis.call('HMGET', request.day, 'changes', 'written_changes',
    'messages', 'bytes', 'transferred')
  if day[1] == false or day[1] ~= day[2] then
    return false
  end
  redis.call('HINCRBY', request.retired, 'days', 1)
  redis.call('HINCRBY', request.retired, 'messages', day[3])
  -- These two may exceed 63 bits over the years; they are for display, the files are authoritative.
  redis.pcall('HINCRBY', request.retired, 'bytes', day[4])
  redis.pcall('HINCRBY', request.retired, 'transferred', day[5])
  redis.call('SET', request.closed_before, request.next_day)
  if request.pin ~= '' then
    redis.call('HSET', request.pinned, request.iso, request.pin)
  end
  redis.call('HDEL', request.stopped, request.iso)
  redis.call('ZREM', request.days, request.iso)
  redis.call('HDEL', request.opened, request.iso)
  for _, key in ipairs(request.totals) do
    redis.call('UNLINK', key)
  end
  redis.call('UNLINK', request.day)
  return '1'
end

-- Lua's stack limits the number of arguments to a command.
local AT_ONCE = 2000

-- Replace neighbours in the list of a day's hours by their sum, if they are still what was added up.
local function compact_hours()
  local last = request.first + #request.identities - 1
  local found = redis.call('LRANGE', request.hours, request.first, last)
  if #found ~= #request.identities then
    return false
  end
  for index, identity in ipairs(request.identities) do
    if string.sub(found[index], 1, #identity) ~= identity then
      return false
    end
  end
  local behind = redis.call('LRANGE', request.hours, last + 1, -1)
  if request.sum ~= '' then
    table.insert(behind, 1, request.sum)
  end
  if request.first == 0 then
    redis.call('UNLINK', request.hours)
  else
    redis.call('LTRIM', request.hours, 0, request.first - 1)
  end
  for first = 1, #behind, AT_ONCE do
    redis.call('RPUSH', request.hours,
      unpack(behind, first, math.min(first + AT_ONCE - 1, #behind)))
  end
  return '1'
end

-- Drop the hours of a day whose files hold all of it; its totals stay.
local function drop_hours()
  local day = redis.call('HMGET', request.day, 'changes', 'written_changes')
  if day[1] == false or day[1] ~= day[2] then
    return false
  end
  redis.call('UNLINK', request.hours)
  redis.call('HSET', request.day, 'hours_left', '1')
  return '1'
end

local steps = {
  lease = lease, begin = begin, finish = finish, stop = stop, retire = retire,
  compact_hours = compact_hours, drop_hours = drop_hours,
}
if request.step ~= 'lease' and redis.call('GET', request.lease) ~= request.token then
  return false
end
return steps[request.step]()
