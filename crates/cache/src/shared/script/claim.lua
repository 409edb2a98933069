-- KEYS claim. ARGV question, token, milliseconds.
-- The first to ask has it; later ones learn whether it is still worked on or what came of it.
local held = redis.call('GET', KEYS[1])
if not held then
  redis.call('SET', KEYS[1], 'r' .. ARGV[2], 'PX', ARGV[3])
  return {seal(ARGV[1], 'mine')}
end
if string.sub(held, 1, 1) == 'r' then
  return {seal(ARGV[1], 'running')}
end
return {seal(ARGV[1], 'done'), string.sub(held, 2)}
