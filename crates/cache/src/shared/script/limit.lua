-- KEYS limit. ARGV question, microseconds that one request takes up, microseconds of burst, cost.
-- Generic cell rate: the key holds until when the bucket is taken.
local time = redis.call('TIME')
local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
local taken = math.max(tonumber(redis.call('GET', KEYS[1]) or 0), now)
local after = taken + tonumber(ARGV[2]) * tonumber(ARGV[4])
local over = after - now - tonumber(ARGV[3])
if over > 0 then
  return seal(ARGV[1], 'over', digits(over), digits(taken - now))
end
redis.call('SET', KEYS[1], digits(after), 'PX', digits(math.ceil((after - now) / 1000) + 1))
return seal(ARGV[1], 'under', '0', digits(after - now))
