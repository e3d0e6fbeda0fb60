-- Phones for wrk: citizens who each play a USSD session of several requests, as those of load.py do.
--
-- wrk tells a script neither which connection it writes for nor which one an answer came on. So the sessions stand in a
-- ring of many more than there are connections, and each request() sends the next one of the ring: until a session's turn
-- comes again, every connection has carried several requests of others, and its own answer has long been read. done()
-- proves it: where the slowest answer of the run took less than the shortest round of the ring, none was overtaken.
--
-- Every answer must be, to the letter, a screen that is due: one that was asked for and not shown yet.
--
-- Arguments, from wrk.py: the number of the first citizen; how many requests each session of the ring has behind it; and
-- for both kinds of citizen, request by request, what is sent and the screen it gets. "99999999" stands for the citizen.

local ffi = require("ffi")
ffi.cdef("typedef struct { long seconds, micros; } moment; int gettimeofday(moment *, void *);")

local NOBODY = "99999999"

tally = { asked = 0, answered = 0, wrong = 0, round = math.huge }

local turns = {} -- for citizens of even and of odd numbers: their requests, cut where the number belongs, and the screens
local due = {} -- by screen: how often it was asked for and not shown yet
local citizens, at, sent = {}, {}, {} -- the ring: who plays, which request is next, and when the one before was sent
local newcomer, slot, rehearsed = 0, 1, false

local function cut(text)
  local parts, from = {}, 1
  repeat
    local begins, ends = text:find(NOBODY, from, true)
    parts[#parts + 1] = text:sub(from, (begins or 0) - 1)
    from = (ends or 0) + 1
  until not begins
  return parts
end

function init(args)
  newcomer = tonumber(args[1])
  local count = (#args - 2) / 4
  for parity = 0, 1 do
    turns[parity] = {}
    for turn = 1, count do
      local place = 3 + 2 * (parity * count + turn - 1)
      turns[parity][turn] = { parts = cut(args[place]), screen = args[place + 1] }
      due[args[place + 1]] = 0
    end
  end
  for behind in args[2]:gmatch("%d+") do
    citizens[#citizens + 1], at[#at + 1] = newcomer, behind + 1
    newcomer = newcomer + 1
  end
end

local clock = ffi.new("moment")

-- Note when this turn of the session is sent, and how long the round since the one before was.
local function tick()
  ffi.C.gettimeofday(clock, nil)
  local now = tonumber(clock.seconds) * 1000 + tonumber(clock.micros) / 1000
  tally.round = math.min(tally.round, now - (sent[slot] or -math.huge))
  sent[slot] = now
end

-- Move the session on whose turn it is; after its last request a new citizen dials in its place.
local function advance(last)
  if at[slot] < last then
    at[slot] = at[slot] + 1
  else
    citizens[slot], at[slot] = newcomer, 1
    newcomer = newcomer + 1
  end
  slot = slot % #citizens + 1
end

function request()
  local citizen = citizens[slot]
  local kind = turns[citizen % 2]
  local turn = kind[at[slot]]
  local text = table.concat(turn.parts, string.format("%08d", citizen))
  if rehearsed then
    due[turn.screen] = due[turn.screen] + 1
    tally.asked = tally.asked + 1
    tick()
    advance(#kind)
  end
  rehearsed = true -- wrk asks for one request before it begins, only looks at it, and never sends it
  return text
end

function response(status, _, body)
  tally.answered = tally.answered + 1
  local left = due[body] or 0
  if status == 200 and left > 0 then
    due[body] = left - 1
  else
    tally.wrong = tally.wrong + 1
    tally.first = tally.first or status .. " " .. body
  end
end

local phones

function setup(thread)
  phones = thread
end

local function quoted(text)
  return '"' .. text:sub(1, 400):gsub('[%c"\\]', function(c) return string.format("\\u%04x", c:byte()) end) .. '"'
end

-- Print the result as the last line, in JSON: milliseconds, and requests a second. A run may be too short for a round.
function done(summary, latency)
  local seen, errors = phones:get("tally"), summary.errors
  local line = '{"requests":%d,"rate":%.3f,"p50":%.3f,"p99":%.3f,"slowest":%.3f,"round":%.3f,"wrong":%d,"first":%s,"unanswered":%d,'
    .. '"errors":{"connect":%d,"read":%d,"write":%d,"timeout":%d}}\n'
  io.write(line:format(
    summary.requests, summary.requests / summary.duration * 1e6,
    latency:percentile(50) / 1000, latency:percentile(99) / 1000, latency.max / 1000, math.min(seen.round, summary.duration / 1000),
    seen.wrong, quoted(seen.first or ""), seen.asked - seen.answered,
    errors.connect, errors.read, errors.write, errors.timeout
  ))
end
