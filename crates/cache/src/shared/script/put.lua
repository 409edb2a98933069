-- KEYS versions, entry, lease. ARGV question, incarnation, clock when the load began, token,
-- milliseconds to live, frame up to and after the time it is stored, slots.
-- Stores it where nothing that it depends on has changed since and nothing newer is there.
local v = redis.call('HMGET', KEYS[1], 'born', 'f', unpack(ARGV, 8))
if v[1] ~= ARGV[2] then
  return seal(ARGV[1], 'other')
end
local began = tonumber(ARGV[3])
local verdict = 'kept'
for i = 2, #v do
  if v[i] and tonumber(v[i]) > began then
    verdict = 'outdated'
  end
end
local old = redis.call('GETRANGE', KEYS[2], 0, 39)
if #old == 40 and string.sub(old, 17, 32) == ARGV[2] and struct.unpack('>I8', old, 33) > began then
  verdict = 'outdated'
end
if verdict == 'kept' then
  local frame = ARGV[6] .. struct.pack('>I8', now_ms()) .. ARGV[7]
  local set = redis.pcall('SET', KEYS[2], frame, 'PX', ARGV[5])
  if set.err then
    verdict = 'full'
  end
end
if redis.call('GET', KEYS[3]) == ARGV[4] then
  redis.call('DEL', KEYS[3])
end
return seal(ARGV[1], verdict)
