-- Adding to the sums of one place and day: a hash with a field for each charged name.
-- Stands before commit.lua.
--
-- A value is a sequence of entries, one for each service and status (packed_sums.py): their text, NUL, and
-- three quantities of eight bytes. An increment is such a value too. A new name is written as it came;
-- otherwise the entries are added up, and those with another text are appended.

local KIND = '>s'
local QUANTITIES = '>i8i8i8'
local WIDTH = 24
-- Lua's numbers are doubles, in which sums below this are exact.
local EXACT = 2^53
-- Lua's stack limits the number of arguments to a command.
local AT_ONCE = 2000

-- Add three quantities at a position of `now` and one of `more`, in halves of 32 bits.
local function added_in_halves(now, here, more, there)
  local parts = {}
  for offset = 0, WIDTH - 8, 8 do
    local high, low = struct.unpack('>I4I4', now, here + offset)
    local more_high, more_low = struct.unpack('>I4I4', more, there + offset)
    high, low = high + more_high, low + more_low
    if low >= 2^32 then
      high, low = high + 1, low - 2^32
    end
    parts[#parts + 1] = struct.pack('>I4I4', high, low)
  end
  return table.concat(parts)
end

local function added_quantities(now, here, more, there)
  local a, b, c = struct.unpack(QUANTITIES, now, here)
  local d, e, f = struct.unpack(QUANTITIES, more, there)
  a, b, c = a + d, b + e, c + f
  if a + b + c < EXACT then
    return struct.pack(QUANTITIES, a, b, c)
  end
  return added_in_halves(now, here, more, there)
end

-- Reused for each name: new tables would cost more than filling them.
local kinds, starts, places, pieces = {}, {}, {}, {}

-- Record where the entries of `more` start, and the position of each one's quantities; return their number.
local function note_entries(more)
  local at, count = 1, 0
  while at <= #more do
    local kind, place = struct.unpack(KIND, more, at)
    count = count + 1
    kinds[count], starts[count], places[kind] = kind, at, place
    at = place + WIDTH
  end
  starts[count + 1] = at
  return count
end

-- Put the unused entries of `more` into `pieces`, after the first `used` ones.
local function put_new_ones(more, count, used)
  for index = 1, count do
    if places[kinds[index]] then
      used = used + 1
      pieces[used] = string.sub(more, starts[index], starts[index + 1] - 1)
      places[kinds[index]] = false
    end
  end
  return used
end

-- Return the sum of two values.
local function added_values(now, more)
  local count = note_entries(more)
  local at, copied, used, new = 1, 1, 0, count
  while at <= #now do
    local kind, here = struct.unpack(KIND, now, at)
    local there = places[kind]
    at = here + WIDTH
    if there then
      pieces[used + 1] = string.sub(now, copied, here - 1)
      pieces[used + 2] = added_quantities(now, here, more, there)
      places[kind] = false
      copied, used, new = at, used + 2, new - 1
    end
  end
  pieces[used + 1] = string.sub(now, copied)
  used = used + 1
  if new > 0 then
    used = put_new_ones(more, count, used)
  end
  return table.concat(pieces, '', 1, used)
end

-- A stretch of names: one command to read and one to write, which costs Redis, and its append-only
-- file, a fraction of one for each. Names that were not there are put into `new`.
local function add_stretch(place, first, last, new)
  local names, values = place.names, place.values
  local found = redis.call('HMGET', place.sums_key, unpack(names, first, last))
  local written, length, known = {}, 0, #new
  for index = first, last do
    local now, value = found[index - first + 1], values[index]
    if now then
      value = added_values(now, value)
    else
      known = known + 1
      new[known] = names[index]
    end
    written[length + 1], written[length + 2] = names[index], value
    length = length + 2
  end
  redis.call('HSET', place.sums_key, unpack(written))
end

-- Add to the sums of a place; answers the names that were not there.
local function add_sums(place)
  local new = {}
  for first = 1, #place.names, AT_ONCE do
    add_stretch(place, first, math.min(first + AT_ONCE - 1, #place.names), new)
  end
  return new
end
