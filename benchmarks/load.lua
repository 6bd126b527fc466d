-- For wrk: sends the requests of a file in turn, from one of them on and around; ends with a line of numbers.
-- A request is a line of five fields between tabs: method, path, credentials, entity tag, JSON body; the last three may be empty.

local requests, at = {}, 0

function init(args)
  at = tonumber(args[2])
  for line in io.lines(args[1]) do
    local method, path, credentials, tag, body = line:match("^([^\t]*)\t([^\t]*)\t([^\t]*)\t([^\t]*)\t([^\t]*)$")
    local headers = { ["Host"] = wrk.headers["Host"] }
    if credentials ~= "" then headers["Authorization"] = credentials end
    if tag ~= "" then headers["If-None-Match"] = tag end
    if body ~= "" then headers["Content-Type"] = "application/json" else body = nil end
    requests[#requests + 1] = wrk.format(method, path, headers, body)
  end
end

function request()
  at = at % #requests + 1
  return requests[at]
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format("numbers %d %d %d %d %d\n", summary.requests, summary.duration,
    errors.connect + errors.read + errors.write + errors.timeout + errors.status,
    latency:percentile(50), latency:percentile(99)))
end
