-- What wrk sends: requests of one or more kinds, with random keys. After the options come, for each kind, its weight, method,
-- path, body ("-" for none) and headers ("name: value" lines, or "-"). In paths and bodies {key} is a message's number, {room} a
-- room's, {posting} a posting's. Prints what was measured as one line of JSON.

local kinds, total = {}, 0
local threads = 0

function setup(thread)
    threads = threads + 1
    thread:set("seed", threads)
end

function init(args)
    math.randomseed(seed * 7919)
    for i = 1, #args, 5 do
        local headers = {}
        for name, value in args[i + 4]:gmatch("([^:\n]+): ([^\n]+)") do headers[name] = value end
        total = total + tonumber(args[i])
        kinds[#kinds + 1] = {
            upto = total, method = args[i + 1], path = args[i + 2], headers = headers,
            body = args[i + 3] ~= "-" and args[i + 3] or nil,
        }
    end
end

local function fill(text)
    if not text or not text:find("{", 1, true) then return text end
    return (text:gsub("{(%a+)}", function(name)
        if name == "key" then return math.random(100000) end
        if name == "room" then return math.random(100) end
        if name == "posting" then return math.random(4000) end
    end))
end

function request()
    local kind = kinds[1]
    if #kinds > 1 then
        local at = math.random() * total
        for _, candidate in ipairs(kinds) do
            kind = candidate
            if at <= candidate.upto then break end
        end
    end
    return wrk.format(kind.method, fill(kind.path), kind.headers, fill(kind.body))
end

function done(summary, latency, _)
    local e = summary.errors
    print(string.format(
        '{"requests": %d, "micros": %d, "p50": %.1f, "p99": %.1f, "max": %.1f, "errors": %d}',
        summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), latency.max,
        e.connect + e.read + e.write + e.status + e.timeout))
end
