-- KEYS versions, log, members, span. ARGV question, incarnation, sender, position or '', slots
-- joined by commas or '*', length of the log, channel, milliseconds to remember a span, and the span
-- of a feed that the change comes from, or two empty texts.
-- Raises the clock and the slots, writes it to the log, tells everybody, and names who must apply
-- it. What another replica has made known out of the same feed is not made known again. HDEL opens
-- the way for what follows when memory is full.
local born = redis.call('HGET', KEYS[1], 'born')
if born ~= ARGV[2] or redis.call('HEXISTS', KEYS[3], '-') == 0 then
  return seal(ARGV[1], 'other')
end
redis.call('HDEL', KEYS[1], '')
if ARGV[9] ~= '' then
  local low, high = string.match(redis.call('GET', KEYS[4]) or '', '^(%d+):(%d+)$')
  local from, to = tonumber(ARGV[9]), tonumber(ARGV[10])
  if low and tonumber(low) <= from and to <= tonumber(high) then
    return seal(ARGV[1], 'known')
  end
  local joins = low and tonumber(low) <= from and from <= tonumber(high)
  redis.call('SET', KEYS[4], (joins and low or ARGV[9]) .. ':' .. ARGV[10], 'PX', ARGV[8])
end
local c = digits(redis.call('HINCRBY', KEYS[1], 'c', 1))
if ARGV[5] == '*' then
  redis.call('HSET', KEYS[1], 'f', c)
else
  local fields = {}
  for slot in string.gmatch(ARGV[5], '%d+') do
    fields[#fields + 1] = slot
    fields[#fields + 1] = c
    if #fields == 1000 then
      redis.call('HSET', KEYS[1], unpack(fields))
      fields = {}
    end
  end
  if #fields > 0 then
    redis.call('HSET', KEYS[1], unpack(fields))
  end
end
if ARGV[4] ~= '' then
  local p = redis.call('HGET', KEYS[1], 'p')
  if not p or tonumber(p) < tonumber(ARGV[4]) then
    redis.call('HSET', KEYS[1], 'p', ARGV[4])
  end
end
local message = seal(redis.sha1hex(born), ARGV[3], c, ARGV[4], ARGV[5])
redis.call('XADD', KEYS[2], 'MAXLEN', '~', ARGV[6], c .. '-0', 'm', message)
redis.call('PUBLISH', ARGV[7], message)
return seal(ARGV[1], 'ok', c, table.concat(redis.call('HGETALL', KEYS[3]), ','))
