-- KEYS versions, entry, lease. ARGV question, incarnation, token, milliseconds of lease, the age
-- from which an entry is not wanted or '', slots that outdate another's load or failure.
-- An entry that is fresh and young comes back; else the first to ask may load, and one who knows of a
-- change that the first cannot have seen. Where the lease cannot be written, for memory is full,
-- everybody may.
local v = redis.call('HMGET', KEYS[1], 'born', 'c', 'f', 'p', unpack(ARGV, 6))
if v[1] ~= ARGV[2] then
  return seal(ARGV[1], 'other')
end
local entry = redis.call('GET', KEYS[2])
if entry and #entry >= 68 and string.sub(entry, 1, 3) == 'SE\1' and string.sub(entry, 17, 32) == ARGV[2] then
  local stored = struct.unpack('>I8', entry, 9)
  local built, soft, age = struct.unpack('>I8', entry, 33), struct.unpack('>I4', entry, 49), struct.unpack('>I4', entry, 57)
  local count = struct.unpack('>I2', entry, 65)
  if ARGV[5] ~= '' then
    soft = math.min(soft, tonumber(ARGV[5]))
  end
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
local token = ARGV[3] .. '@' .. v[2]
local granted = seal(ARGV[1], 'granted', v[2], v[4] or '')
if redis.pcall('SET', KEYS[3], token, 'NX', 'PX', ARGV[4]) then
  return {granted}
end
local held = redis.call('GET', KEYS[3]) or ''
local failed, text = string.match(held, '^x(%d+):(.*)$')
local clock = tonumber(failed or string.match(held, '@(%d+)$') or 0)
local outdated = tonumber(v[3]) > clock
for i = 5, #ARGV - 1 do
  if v[i] and tonumber(v[i]) > clock then
    outdated = true
  end
end
if outdated then
  redis.pcall('SET', KEYS[3], token, 'PX', ARGV[4])
  return {granted}
end
if failed then
  return {seal(ARGV[1], 'failed', text, redis.call('PTTL', KEYS[3]))}
end
return {seal(ARGV[1], 'held', redis.call('PTTL', KEYS[3]))}
