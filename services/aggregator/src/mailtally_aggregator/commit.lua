-- Apply a group of batches: all or nothing. Prepended by ledger.lua and sums.lua.
--
-- ARGV[1]  cmsgpack of {format, closed_key, closed_before, now, max_days, batches, heartbeats, days}; see commit.py.
-- Answer   JSON {verdict = ...}. Anything but "applied" means that nothing was written, and
--          says what the aggregator has to mend before it asks again.
--
-- Redis does not roll back a script that fails half-way, so everything is read and judged
-- before the first write, and no write below can fail on a value. A day's sums come as decimal
-- strings: Lua's numbers are doubles.

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

-- A quantity is never larger than the sum of its day, so the day's sums bound all of them.
local function overflows(day)
  local sums = redis.call('HMGET', day.key, 'messages', 'bytes', 'transferred')
  return not (fits(sums[1] or '0', day.messages) and fits(sums[2] or '0', day.bytes)
    and fits(sums[3] or '0', day.transferred))
end

-- The entries of `asked` that would be new members of a set and have no room below `cap`.
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
    return {verdict = 'overflow', day = day.day}
  end
  local refused = without_room(day.statuses_key, day.statuses, day.status_cap)
  if #refused > 0 then
    return {verdict = 'statuses', day = day.day, refused = refused}
  end
  if day.names then
    refused = without_room(day.names_key, day.names, day.name_cap)
    if #refused > 0 then
      return {verdict = 'names', day = day.day, refused = refused}
    end
  elseif redis.call('SCARD', day.names_key) + day.name_count > day.name_cap then
    return {verdict = 'which-names', day = day.day}
  end
  return nil
end

-- Would the request open more days than a book may have? Whoever forges times could open any number.
local function too_many_days()
  local opened = {}
  for _, day in ipairs(request.days) do
    if redis.call('EXISTS', day.key) == 0 then
      opened[day.days_key] = (opened[day.days_key] or 0) + 1
    end
  end
  for days_key, count in pairs(opened) do
    if redis.call('ZCARD', days_key) + count > request.max_days then
      return true
    end
  end
  return false
end

local function judge()
  if redis.call('GET', request.format) == false then
    return {verdict = 'empty'}
  end
  local refused, any, seen = {}, false, {}
  for index, batch in ipairs(request.batches) do
    local numbers = seen[batch.ahead] or {}
    local reason = numbers[batch.seq] and 'known' or refusal(batch)
    numbers[batch.seq] = true
    seen[batch.ahead] = numbers
    if reason then
      refused[tostring(index - 1)] = reason
      any = true
    end
  end
  if any then
    return {verdict = 'refused', batches = refused}
  end
  local closed = redis.call('GET', request.closed_key) or ''
  if closed ~= request.closed_before then
    return {verdict = 'closed', before = closed}
  end
  if too_many_days() then
    return {verdict = 'days'}
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

local function add_host(day, host)
  add_names(day.names_key, add_sums(host))
  redis.call('SADD', day.hosts_key, host.host)
end

local function add_day(day)
  for _, host in ipairs(day.hosts) do
    add_host(day, host)
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
  redis.call('ZADD', day.days_key, day.ordinal, day.day)
end

local function beat(heartbeat)
  local owner = redis.call('HMGET', heartbeat.registration, 'id', 'epoch')
  local hwm = whole(redis.call('HGET', heartbeat.ledger, 'hwm'))
  if owner[1] == heartbeat.id and owner[2] == heartbeat.epoch and hwm >= heartbeat.after_seq then
    raise_watermark(heartbeat.ledger, heartbeat.watermark)
  end
end

local trouble = judge()
if trouble then
  return answer(trouble)
end
for _, day in ipairs(request.days) do
  add_day(day)
end
for _, batch in ipairs(request.batches) do
  add_counts(batch.ledger, batch.counts)
  mark_applied(batch)
end
for _, heartbeat in ipairs(request.heartbeats) do
  beat(heartbeat)
end
return answer({verdict = 'applied'})
