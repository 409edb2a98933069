-- KEYS versions. ARGV question, incarnation, clock when built, slots.
-- Whether nothing has changed since.
local v = redis.call('HMGET', KEYS[1], 'born', 'f', unpack(ARGV, 4))
if v[1] ~= ARGV[2] then
  return seal(ARGV[1], 'other')
end
local built = tonumber(ARGV[3])
for i = 2, #v do
  if v[i] and tonumber(v[i]) > built then
    return seal(ARGV[1], 'outdated')
  end
end
return seal(ARGV[1], 'fresh')
