-- For wrk: sends the requests of a file in turn, starting with one of them and repeating all; prints a line of numbers.
-- Each line is a request with six fields separated by tabs: method, path, Authorization, ETag, Accept-Encoding and JSON
-- body. The last four can be empty.

local requests, index = {}, 0

function init(args)
  index = tonumber(args[2])
  for line in io.lines(args[1]) do
    local field = "([^\t]*)"
    local pattern = "^" .. string.rep(field, 6, "\t") .. "$"
    local method, path, authorization, etag, encoding, body = line:match(pattern)
    local headers = { ["Host"] = wrk.headers["Host"] }
    if authorization ~= "" then headers["Authorization"] = authorization end
    if etag ~= "" then headers["If-None-Match"] = etag end
    if encoding ~= "" then headers["Accept-Encoding"] = encoding end
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
