-- KEYS lease. ARGV question, token.
if redis.call('GET', KEYS[1]) == ARGV[2] then
  redis.call('DEL', KEYS[1])
end
return seal(ARGV[1], 'ok')
