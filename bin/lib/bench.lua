-- The requests that wrk sends: page views of a browser. With BENCH_CAMPAIGN each is a landing with a utm_content of its own.
-- Each request comes from an address of its own, as a proxy would report it: one address may not store so many touches.
-- BENCH_COOKIES names a file with a Cookie header on each line; the requests use them in turn.
local threads = 0

function setup(thread)
  threads = threads + 1
  thread:set("number", threads)
end

function init()
  headers = {
    ["Accept"] = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    ["Accept-Encoding"] = "identity",
    ["Sec-Fetch-Dest"] = "document",
    ["User-Agent"] = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36",
  }
  campaign = os.getenv("BENCH_CAMPAIGN")
  if campaign == "" then
    campaign = nil
  end
  sent = 0
  cookies = {}
  local file = os.getenv("BENCH_COOKIES")
  if file then
    for line in io.lines(file) do
      cookies[#cookies + 1] = line
    end
  end
end

function request()
  sent = sent + 1
  local path = "/"
  if campaign then
    path = "/?utm_source=google&utm_medium=cpc&utm_campaign=" .. campaign .. "&utm_content=" .. number .. "-" .. sent
  end
  headers["X-Forwarded-For"] = string.format("10.%d.%d.%d", sent / 65536 % 256, sent / 256 % 256, sent % 256)
  if #cookies > 0 then
    headers["Cookie"] = cookies[sent % #cookies + 1]
  end
  return wrk.format("GET", path, headers)
end

-- Prints a line for bin/bench: good answers/s, p50 and p99 in milliseconds, good answers, bad answers, broken connections.
function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    "RESULT %.0f %.1f %.1f %d %d %d\n",
    (summary.requests - errors.status) / (summary.duration / 1e6),
    latency:percentile(50) / 1000,
    latency:percentile(99) / 1000,
    summary.requests - errors.status,
    errors.status,
    errors.connect + errors.read + errors.write + errors.timeout
  ))
end
