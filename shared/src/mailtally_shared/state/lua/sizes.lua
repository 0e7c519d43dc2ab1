-- The size of each element of a list. KEYS: the list.
local sizes = {}
for index, element in ipairs(redis.call('LRANGE', KEYS[1], 0, -1)) do
  sizes[index] = #element
end
return sizes
