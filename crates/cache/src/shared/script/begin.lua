-- KEYS versions, entry, lease. ARGV question, incarnation, token, milliseconds of lease.
-- An entry that is fresh and young comes back; else the first to ask may load. Where the lease
-- cannot be written, for memory is full, everybody may.
local v = redis.call('HMGET', KEYS[1], 'born', 'c', 'f', 'p')
if v[1] ~= ARGV[2] then
  return seal(ARGV[1], 'other')
end
local entry = redis.call('GET', KEYS[2])
if entry and #entry >= 68 and string.sub(entry, 1, 3) == 'SE\1' and string.sub(entry, 17, 32) == ARGV[2] then
  local stored = struct.unpack('>I8', entry, 9)
  local built, soft, age = struct.unpack('>I8', entry, 33), struct.unpack('>I4', entry, 49), struct.unpack('>I4', entry, 57)
  local count = struct.unpack('>I2', entry, 65)
  local young = now_ms() - stored + age < soft and built >= tonumber(v[3])
  if young and count <= 64 and #entry >= 68 + 4 * count then
    local slots = {}
    for i = 1, count do
      slots[i] = digits(struct.unpack('>I4', entry, 65 + 4 * i))
    end
    local bumps = count > 0 and redis.call('HMGET', KEYS[1], unpack(slots)) or {}
    for i = 1, count do
      if bumps[i] and tonumber(bumps[i]) > built then
        young = false
      end
    end
    if young then
      return {seal(ARGV[1], 'ready'), entry}
    end
  end
end
local set = redis.pcall('SET', KEYS[3], ARGV[3], 'NX', 'PX', ARGV[4])
if set then
  return {seal(ARGV[1], 'granted', v[2], v[4] or '')}
end
return {seal(ARGV[1], 'held', redis.call('PTTL', KEYS[3]))}
