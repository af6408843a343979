-- A request of its own each time: the placeholder in the body is replaced by a number that never comes back.
-- One wrk thread only: a second one would count from the same start.
dofile(os.getenv("BENCH_LUA") .. "/report.lua")

wrk.method = "POST"

local serial = string.rep("#", 12)
local number = tonumber(os.getenv("BENCH_START"))
local head, tail

function init(_)
  local file = assert(io.open(os.getenv("BENCH_BODY"), "rb"))
  local body = file:read("*a")
  file:close()
  for name, value in string.gmatch(os.getenv("BENCH_HEADERS"), "([^\t:]+): ([^\t]+)") do
    wrk.headers[name] = value
  end
  local whole = wrk.format(nil, nil, nil, body)
  local from, to = assert(string.find(whole, serial, 1, true))
  head, tail = string.sub(whole, 1, from - 1), string.sub(whole, to + 1)
end

function request()
  number = number + 1
  return head .. string.format("%012d", number) .. tail
end
