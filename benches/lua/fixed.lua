-- The same request again and again. No `request` function on purpose: wrk then builds the bytes once.
dofile(os.getenv("BENCH_LUA") .. "/report.lua")

wrk.method = "POST"

function init(_)
  local file = assert(io.open(os.getenv("BENCH_BODY"), "rb"))
  wrk.body = file:read("*a")
  file:close()
  for name, value in string.gmatch(os.getenv("BENCH_HEADERS"), "([^\t:]+): ([^\t]+)") do
    wrk.headers[name] = value
  end
end
