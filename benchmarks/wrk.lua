-- Prints what was measured as one line of JSON, which wrk's own output is not.
function done(summary, latency, requests)
  local errors = summary.errors
  io.write(string.format(
    '\n{"requests":%d,"seconds":%f,"bytes":%d,"p50":%f,"p99":%f,"failed":%d,"broken":%d}\n',
    summary.requests, summary.duration / 1e6, summary.bytes,
    latency:percentile(50.0) / 1e3, latency:percentile(99.0) / 1e3,
    errors.status, errors.connect + errors.read + errors.write + errors.timeout))
end
