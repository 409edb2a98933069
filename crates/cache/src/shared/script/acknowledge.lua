-- KEYS versions, members. ARGV question, incarnation, member, tick, applied, channels.
-- Writes down how far a member has applied changes, and tells those who wait for it.
local born = redis.call('HGET', KEYS[1], 'born')
if born ~= ARGV[2] or redis.call('HEXISTS', KEYS[2], '-') == 0 then
  return seal(ARGV[1], 'other')
end
redis.call('HDEL', KEYS[2], '')
redis.call('HSET', KEYS[2], ARGV[3], ARGV[4] .. ':' .. ARGV[5])
for i = 6, #ARGV do
  redis.call('PUBLISH', ARGV[i], seal(redis.sha1hex(born), ARGV[3], ARGV[5]))
end
return seal(ARGV[1], 'ok')
