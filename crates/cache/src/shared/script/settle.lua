-- KEYS claim. ARGV question, token, milliseconds, outcome; without outcome the claim is given up.
if redis.call('GET', KEYS[1]) ~= 'r' .. ARGV[2] then
  return seal(ARGV[1], 'lost')
end
if ARGV[4] then
  redis.call('SET', KEYS[1], 'd' .. ARGV[4], 'PX', ARGV[3])
else
  redis.call('DEL', KEYS[1])
end
return seal(ARGV[1], 'ok')
