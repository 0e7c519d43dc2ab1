-- Apply a group of batches, or a held day: all or nothing. Prepended by ledger.lua, sums.lua and held.lua.
--
-- ARGV[1]  cmsgpack of {format, history, histories, seen, closed_key, closed_before, pinned, now, max_days, batches, heartbeats, days, held, fence, …}; see commit.py.
-- Answer   JSON {verdict = ...}. Any verdict but "applied" means that nothing was written, and
--          says what the aggregator has to correct before it asks again.
--
-- Redis does not roll back a script that fails half-way, so everything is read and judged
-- before the first write, and no write below can fail on a value. A day's sums are decimal
-- strings, because Lua's numbers are doubles.

local request = cmsgpack.unpack(ARGV[1])

local function answer(verdict)
  return cjson.encode(verdict)
end

-- Does a + b stay within 2^63 - 1? Both are decimal strings; compared in two halves.
local function fits(a, b)
  if #a > 19 or #b > 19 then
    return false
  end
  local low = tonumber(string.sub(a, -9)) + tonumber(string.sub(b, -9))
  local high = tonumber('0' .. string.sub(a, 1, -10)) + tonumber('0' .. string.sub(b, 1, -10))
  if low >= 1000000000 then
    low = low - 1000000000
    high = high + 1
  end
  return high < 9223372036 or (high == 9223372036 and low <= 854775807)
end

-- No quantity is larger than the sum of its day, so the day's sums bound all of them.
local function overflows(day)
  local sums = redis.call('HMGET', day.key, 'messages', 'bytes', 'transferred')
  return not (fits(sums[1] or '0', day.messages) and fits(sums[2] or '0', day.bytes)
    and fits(sums[3] or '0', day.transferred))
end

-- The entries of `asked` that would be new members of a set without room below `cap`.
local function without_room(set, asked, cap)
  local room = cap - redis.call('SCARD', set)
  local refused = {}
  for _, name in ipairs(asked) do
    if redis.call('SISMEMBER', set, name) == 0 then
      if room > 0 then
        room = room - 1
      else
        refused[#refused + 1] = name
      end
    end
  end
  return refused
end

local function judge_day(day)
  if overflows(day) then
    return {verdict = 'overflow', key = day.key}
  end
  local refused = without_room(day.statuses_key, day.statuses, day.status_cap)
  if #refused > 0 then
    return {verdict = 'statuses', key = day.key, refused = refused}
  end
  if day.names then
    refused = without_room(day.names_key, day.names, day.name_cap)
    if #refused > 0 then
      return {verdict = 'names', key = day.key, refused = refused}
    end
  elseif redis.call('SCARD', day.names_key) + day.name_count > day.name_cap then
    return {verdict = 'which-names', key = day.key}
  end
  return nil
end

-- A full book still takes days from a collector that has opened few of its days: a collector that
-- forges times thus cannot take the room for another's next day. A group of several is split first.
local function has_share(days_key, count)
  if request.opener == '' then
    return false
  end
  for _, opener in ipairs(redis.call('HVALS', request.opened[days_key])) do
    if opener == request.opener then
      count = count + 1
    end
  end
  return count <= math.max(1, math.floor(request.max_days / 10))
end

-- Would the request open more days than a book may have? A sender that forges times could open any number.
local function too_many_days()
  local opened = {}
  for _, day in ipairs(request.days) do
    if not day.holder and redis.call('EXISTS', day.key) == 0 then
      opened[day.days_key] = (opened[day.days_key] or 0) + 1
    end
  end
  for days_key, count in pairs(opened) do
    if redis.call('ZCARD', days_key) + count > request.max_days then
      return not has_share(days_key, count)
    end
  end
  return false
end

-- The names of a day, by place, that are not in its book yet.
local function count_new_names(day)
  local count = 0
  for _, place in ipairs(day.places) do
    for first = 1, #place.names, AT_ONCE do
      local last = math.min(first + AT_ONCE - 1, #place.names)
      for _, found in ipairs(redis.call('HMGET', place.sums_key, unpack(place.names, first, last))) do
        if not found then
          count = count + 1
        end
      end
    end
  end
  return count
end

-- Would the request hold more days or names of a collector than its book may have?
local function holds_too_much()
  local asked = {}
  for _, day in ipairs(request.days) do
    if day.holder then
      local book = asked[day.holder] or {
        days = redis.call('ZCARD', day.days_key),
        names = whole(redis.call('HGET', request.held_names_key, day.holder)),
      }
      asked[day.holder] = book
      book.days = book.days + 1 - redis.call('EXISTS', day.key)
      book.names = book.names + count_new_names(day)
      if book.days > request.max_held_days or book.names > request.max_held_names then
        return true
      end
    end
  end
  return false
end

-- The host names of a batch that neither its host's collectors nor earlier batches of the group named.
local function new_hosts(batch, earlier)
  local new = {}
  for _, host in ipairs(batch.named) do
    if not earlier[host] and redis.call('SISMEMBER', batch.named_key, host) == 0 then
      new[#new + 1] = host
    end
  end
  return new
end

-- A sender that forges lines could name any number of hosts, so the names of each host's collectors are capped.
local function names_too_many_hosts(batch, asked)
  local earlier = asked[batch.named_key] or {count = 0, names = {}}
  asked[batch.named_key] = earlier
  local new = new_hosts(batch, earlier.names)
  if #new == 0 then
    return false
  end
  if redis.call('SCARD', batch.named_key) + earlier.count + #new > request.max_hosts then
    return true
  end
  earlier.count = earlier.count + #new
  for _, host in ipairs(new) do
    earlier.names[host] = true
  end
  return false
end

-- Does the state hold less than the aggregator has seen of it? An id that it never had is one of a
-- later copy.
local function is_behind(seen)
  local found = redis.call('HMGET', request.history, 'id', 'commits')
  if found[1] == seen.id then
    return whole(found[2]) < seen.commits
  end
  return not redis.call('ZSCORE', request.histories, seen.id)
end

-- Days that left the state: those before one date, and single ones after it.
local function closed_otherwise()
  local before = redis.call('GET', request.closed_key) or ''
  local other = before ~= request.closed_before
  for _, day in ipairs(request.days) do
    local late = day.day < before or redis.call('HEXISTS', request.pinned, day.day) == 1
    other = other or not day.holder and late ~= day.late
  end
  if not other then
    return nil
  end
  local pinned = {}
  for _, day in ipairs(redis.call('HKEYS', request.pinned)) do
    if day >= before then
      pinned[#pinned + 1] = day
    end
  end
  return {verdict = 'closed', before = before, pinned = #pinned > 0 and pinned or nil}
end

local function judge()
  if redis.call('GET', request.format) == false then
    return {verdict = 'empty'}
  end
  -- cmsgpack reads an absent value as null, which is not a table.
  if type(request.seen) == 'table' and is_behind(request.seen) then
    return {verdict = 'behind'}
  end
  local refused, any, seen, named = {}, false, {}, {}
  for index, batch in ipairs(request.batches) do
    local numbers = seen[batch.ahead] or {}
    local before = numbers[batch.seq]
    local reason = before and repeated(before, batch) or refusal(batch)
    if not reason and names_too_many_hosts(batch, named) then
      reason = 'too-many-hosts'
    end
    numbers[batch.seq] = before or batch.checksum
    seen[batch.ahead] = numbers
    if reason then
      refused[tostring(index - 1)] = reason
      any = true
    end
  end
  if any then
    return {verdict = 'refused', batches = refused}
  end
  if type(request.fence) == 'table'
    and redis.call('GET', request.fence.lease) ~= request.fence.token then
    return {verdict = 'overtaken'}
  end
  if type(request.held) == 'table' and held_changed(request.held) then
    return {verdict = 'changed'}
  end
  local closed = closed_otherwise()
  if closed then
    return closed
  end
  if too_many_days() then
    return {verdict = 'days'}
  end
  if holds_too_much() then
    return {verdict = 'too-far-ahead'}
  end
  for _, day in ipairs(request.days) do
    local verdict = judge_day(day)
    if verdict then
      return verdict
    end
  end
  return nil
end

local function add_names(set, names)
  for first = 1, #names, AT_ONCE do
    redis.call('SADD', set, unpack(names, first, math.min(first + AT_ONCE - 1, #names)))
  end
end

local function add_place(day, place)
  local new = add_sums(place)
  add_names(day.names_key, new)
  redis.call('SADD', day.places_key, place.place)
  if day.holder and #new > 0 then
    redis.call('HINCRBY', request.held_names_key, day.holder, #new)
  end
end

-- Append what is added by hour; the day's `hours` says whether all of its records are in the list. It is
-- absent where hours are not counted at all.
local function add_hours(day)
  local known = redis.call('HMGET', day.key, 'hours', 'hours_left', 'changes')
  local has_room = not known[2] and redis.call('LLEN', day.hours_key) < request.max_hours_parts
  if day.hours ~= '' and has_room then
    redis.call('RPUSH', day.hours_key, day.hours)
    if not known[1] then
      redis.call('HSET', day.key, 'hours', known[3] and 'partial' or 'whole')
    end
  elseif known[1] == 'whole' then
    redis.call('HSET', day.key, 'hours', 'partial')
  end
end

local function add_day(day)
  add_hours(day)
  for _, place in ipairs(day.places) do
    add_place(day, place)
  end
  for _, status in ipairs(day.statuses) do
    redis.call('SADD', day.statuses_key, status)
  end
  redis.call('HINCRBY', day.key, 'messages', day.messages)
  redis.call('HINCRBY', day.key, 'bytes', day.bytes)
  redis.call('HINCRBY', day.key, 'transferred', day.transferred)
  redis.call('HINCRBY', day.key, 'changes', 1)
  redis.call('HSETNX', day.key, 'since', request.now)
  redis.call('HSET', day.key, 'changed_at', request.now)
  if redis.call('ZADD', day.days_key, day.ordinal, day.day) == 1 and not day.holder then
    redis.call('HSET', request.opened[day.days_key], day.day, request.opener)
  end
  if day.holder then
    redis.call('HINCRBY', request.held_records_key, day.holder, day.messages)
  end
end

local function beat(heartbeat)
  if standing(heartbeat) then
    return
  end
  take_in(heartbeat)
  note_clock(heartbeat.ledger, heartbeat)
  pass_lost(heartbeat)
  if applied_up_to(heartbeat) >= heartbeat.after_seq then
    raise_watermark(heartbeat.ledger, heartbeat.watermark)
  end
  if heartbeat.status ~= '' then
    redis.call('HSET', heartbeat.ledger, 'status', heartbeat.status,
      'status_digest', heartbeat.status_digest)
  end
end

local trouble = judge()
if trouble then
  return answer(trouble)
end
for _, day in ipairs(request.days) do
  add_day(day)
end
if type(request.held) == 'table' then
  release_held(request.held)
end
for _, batch in ipairs(request.batches) do
  add_counts(batch.ledger, batch.counts)
  add_names(batch.named_key, batch.named)
  mark_applied(batch)
end
for _, heartbeat in ipairs(request.heartbeats) do
  beat(heartbeat)
end
if #request.batches == 0 and type(request.held) ~= 'table' then
  return answer({verdict = 'applied'})
end
local commits = redis.call('HINCRBY', request.history, 'commits', 1)
return answer({
  verdict = 'applied',
  history = redis.call('HGET', request.history, 'id'),
  commits = string.format('%d', commits),
})
