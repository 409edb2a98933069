-- KEYS lease. ARGV question, token, what to do, milliseconds; for a failure the clock when the load
-- began and what to say of it.
-- Prolongs, ends or replaces by a failure a lease that is still the caller's.
if redis.call('GET', KEYS[1]) ~= ARGV[2] then
  return seal(ARGV[1], 'lost')
end
if ARGV[3] == 'renew' then
  redis.call('PEXPIRE', KEYS[1], ARGV[4])
else
  redis.call('DEL', KEYS[1])
  if ARGV[3] == 'fail' then
    redis.pcall('SET', KEYS[1], 'x' .. ARGV[5] .. ':' .. ARGV[6], 'PX', ARGV[4])
  end
end
return seal(ARGV[1], 'ok')
