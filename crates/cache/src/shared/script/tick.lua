-- KEYS versions, members. ARGV question, incarnation, member, tick, applied.
-- Says what the clock is and that this member is alive. HDEL opens the way for HSET when memory is
-- full: a script that has written may go on. It writes, so that a server that may not take writes
-- any more proves nothing.
local v = redis.call('HMGET', KEYS[1], 'born', 'c', 'p')
if v[1] ~= ARGV[2] or redis.call('HEXISTS', KEYS[2], '-') == 0 then
  return seal(ARGV[1], 'other')
end
redis.call('HDEL', KEYS[2], '')
redis.call('HSET', KEYS[2], ARGV[3], ARGV[4] .. ':' .. ARGV[5])
return seal(ARGV[1], 'ok', v[2], v[3] or '', digits(now_ms()))
