-- KEYS versions, log, members. ARGV question, server, incarnation to take, slots.
-- A server that is not the one the versions were made on may have lost some of them, so they start
-- anew under a new name; entries of the old name are dead. The same where the members are gone, for
-- memory was full: a change would wait for nobody. The field '-' shows that none was lost. UNLINK also opens the way for the small
-- writes after it when memory is full: a script that has written may go on.
local v = redis.call('HMGET', KEYS[1], 'born', 'server', 'slots', 'c', 'p')
if not v[1] or v[2] ~= ARGV[2] or redis.call('HEXISTS', KEYS[3], '-') == 0 then
  redis.call('UNLINK', KEYS[1], KEYS[2], KEYS[3])
  redis.call('HSET', KEYS[1], 'born', ARGV[3], 'server', ARGV[2], 'slots', ARGV[4], 'c', '0', 'f', '0')
  redis.call('HSET', KEYS[3], '-', '-')
  v = {ARGV[3], ARGV[2], ARGV[4], '0', false}
end
local hex = string.gsub(v[1], '.', function(byte)
  return string.format('%02x', string.byte(byte))
end)
return seal(ARGV[1], 'ok', hex, v[3], v[4], v[5] or '', digits(now_ms()))
