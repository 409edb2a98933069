-- KEYS versions, members. ARGV question, incarnation, then member and entry of those to strike off
-- where the entry is still that: they have not been heard of since.
if redis.call('HGET', KEYS[1], 'born') ~= ARGV[2] or redis.call('HEXISTS', KEYS[2], '-') == 0 then
  return seal(ARGV[1], 'other')
end
for i = 3, #ARGV, 2 do
  if redis.call('HGET', KEYS[2], ARGV[i]) == ARGV[i + 1] then
    redis.call('HDEL', KEYS[2], ARGV[i])
  end
end
return seal(ARGV[1], 'ok', table.concat(redis.call('HGETALL', KEYS[2]), ','))
