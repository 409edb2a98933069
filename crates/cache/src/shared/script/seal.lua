-- Every answer repeats the number of the question and ends in a check of itself, so that an answer
-- that was damaged, or belongs to another question, is known for what it is.
local function seal(...)
  local body = table.concat({...}, '|')
  return body .. '|' .. string.sub(redis.sha1hex(body), 1, 8)
end
-- A number as whole digits; plain tostring turns large ones into powers of ten.
local function digits(number)
  return string.format('%.0f', number)
end
local function now_ms()
  local time = redis.call('TIME')
  return tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
end
