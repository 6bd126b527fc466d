-- For wrk: sends the requests of a file in turn, starting with one of them and repeating all; prints a line of numbers.
-- Each line is a request with five fields separated by tabs: method, path, Authorization, ETag and JSON body. The last
-- three can be empty.

local requests, index = {}, 0

function init(args)
  index = tonumber(args[2])
  for line in io.lines(args[1]) do
    local method, path, authorization, etag, body = line:match("^([^\t]*)\t([^\t]*)\t([^\t]*)\t([^\t]*)\t([^\t]*)$")
    local headers = { ["Host"] = wrk.headers["Host"] }
    if authorization ~= "" then headers["Authorization"] = authorization end
    if etag ~= "" then headers["If-None-Match"] = etag end
    if body ~= "" then headers["Content-Type"] = "application/json" else body = nil end
    requests[#requests + 1] = wrk.format(method, path, headers, body)
  end
end

function request()
  index = index % #requests + 1
  return requests[index]
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format("numbers %d %d %d %d %d\n", summary.requests, summary.duration,
    errors.connect + errors.read + errors.write + errors.timeout + errors.status,
    latency:percentile(50), latency:percentile(99)))
end
