/**
 * What Redis does for a reservation, whole or not at all. Each account is a hash: `<period>:s|t|u` (start, tokens, billionths of a dollar),
 * `rq`, `rt` with `:at` (used up of the rates, and when), `n|t|u:<node>` (requests under way on a node, and what they hold),
 * and `open`, which says that it was filled from the ledger. The last key lists the nodes that live.
 * The clock is Redis's own. Numbers are written in full: Lua would round large ones.
 */
export const PRELUDE = `
local time = redis.call("TIME")
local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
local DAY, NODE_LOST, KEEP = 86400000, 15000, 3456000000
local nodes = KEYS[#KEYS]
local function int(value) return string.format("%.0f", value) end
local function number(value) return tonumber(value or "0") or 0 end
-- The month's first day, by days since 0000-03-01: leap days are then the last of their year.
local days = math.floor(now / DAY)
local ofEra = (days + 719468) % 146097
local year = math.floor((ofEra - math.floor(ofEra / 1460) + math.floor(ofEra / 36524) - math.floor(ofEra / 146096)) / 365)
local ofYear = ofEra - (365 * year + math.floor(year / 4) - math.floor(year / 100))
local ofMonth = ofYear - math.floor((153 * math.floor((5 * ofYear + 2) / 153) + 2) / 5)
local starts = { day = days * DAY, week = (days - (days + 3) % 7) * DAY, month = (days - ofMonth) * DAY, total = 0 }
local function spent(key, per)
  local window = redis.call("HMGET", key, per .. ":s", per .. ":t", per .. ":u")
  if number(window[1]) < starts[per] then return 0, 0 end
  return number(window[2]), number(window[3])
end
local function charge(key, tokens, nanos)
  for per, start in pairs(starts) do
    local begun = redis.call("HGET", key, per .. ":s")
    if not begun or tonumber(begun) < start then redis.call("HSET", key, per .. ":s", int(start), per .. ":t", int(tokens), per .. ":u", int(nanos))
    else
      redis.call("HINCRBY", key, per .. ":t", int(tokens))
      redis.call("HINCRBY", key, per .. ":u", int(nanos))
    end
  end
end
local function used(key, rate, perMinute)
  local found = redis.call("HMGET", key, rate, rate .. ":at")
  return math.max(0, number(found[1]) - math.max(0, now - number(found[2])) * perMinute / 60000)
end
local function take(key, rate, perMinute, count)
  redis.call("HSET", key, rate, string.format("%.6f", math.max(0, used(key, rate, perMinute) + count)), rate .. ":at", int(now))
end
local function held(key)
  local n, tokens, nanos = 0, 0, 0
  for _, node in ipairs(redis.call("ZRANGEBYSCORE", nodes, now - NODE_LOST, "+inf")) do
    local found = redis.call("HMGET", key, "n:" .. node, "t:" .. node, "u:" .. node)
    n = n + number(found[1])
    tokens = tokens + number(found[2])
    nanos = nanos + number(found[3])
  end
  return n, tokens, nanos
end
local function live(node)
  redis.call("ZADD", nodes, int(now), node)
  redis.call("ZREMRANGEBYSCORE", nodes, "-inf", int(now - 240 * NODE_LOST))
  redis.call("PEXPIRE", nodes, int(KEEP))
end
`;

/** ARGV: node, tokens, nanos, limits of each account as JSON. Answers "held" with the used rates of each account, or why not. */
export const RESERVE = `${PRELUDE}
local node, tokens, nanos, limits = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3]), cjson.decode(ARGV[4])
for i = 1, #KEYS - 1 do if redis.call("HEXISTS", KEYS[i], "open") == 0 then return { "unseeded" } end end
live(node)
for i = 1, #KEYS - 1 do
  local key, limit = KEYS[i], limits[i]
  local n, heldTokens, heldNanos = held(key)
  for j, budget in ipairs(limit.budgets) do
    local spentTokens, spentNanos = spent(key, budget.per)
    if budget.tokens and (spentTokens >= budget.tokens or (n > 0 and spentTokens + heldTokens + tokens > budget.tokens)) then
      return { "budget", i, j, "tokens", int(spentTokens), int(heldTokens), int(now) }
    end
    if budget.nanos and (spentNanos >= budget.nanos or (n > 0 and spentNanos + heldNanos + nanos > budget.nanos)) then
      return { "budget", i, j, "usd", int(spentNanos), int(heldNanos), int(now) }
    end
  end
  if limit.parallel and n >= limit.parallel then return { "parallel", i } end
end
for i = 1, #KEYS - 1 do
  local key, limit = KEYS[i], limits[i]
  for _, rate in ipairs({ { "rq", limit.requests, 1 }, { "rt", limit.tokens, tokens } }) do
    if rate[2] then
      local before = used(key, rate[1], rate[2])
      if before + math.min(rate[3], rate[2]) - rate[2] > 0.000001 then return { "rate", i, rate[1], string.format("%.6f", before) } end
    end
  end
end
local answer = { "held" }
for i = 1, #KEYS - 1 do
  local key, limit = KEYS[i], limits[i]
  redis.call("HINCRBY", key, "n:" .. node, 1)
  redis.call("HINCRBY", key, "t:" .. node, int(tokens))
  redis.call("HINCRBY", key, "u:" .. node, int(nanos))
  if limit.requests then take(key, "rq", limit.requests, 1) end
  if limit.tokens then take(key, "rt", limit.tokens, tokens) end
  redis.call("PEXPIRE", key, int(KEEP))
  answer[#answer + 1] = limit.requests and string.format("%.6f", used(key, "rq", limit.requests)) or "0"
  answer[#answer + 1] = limit.tokens and string.format("%.6f", used(key, "rt", limit.tokens)) or "0"
end
return answer
`;

/** ARGV: node, tokens and nanos held, tokens and nanos used, limits of each account as JSON. */
export const SETTLE = `${PRELUDE}
local node, limits = ARGV[1], cjson.decode(ARGV[6])
local heldTokens, heldNanos, tokens, nanos = tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
live(node)
for i = 1, #KEYS - 1 do
  local key, limit = KEYS[i], limits[i]
  if redis.call("HEXISTS", key, "open") == 1 then
    local n = number(redis.call("HGET", key, "n:" .. node)) - 1
    if n <= 0 then redis.call("HDEL", key, "n:" .. node, "t:" .. node, "u:" .. node)
    else
      local own = redis.call("HMGET", key, "t:" .. node, "u:" .. node)
      redis.call("HSET", key, "n:" .. node, int(n), "t:" .. node, int(math.max(0, number(own[1]) - heldTokens)), "u:" .. node, int(math.max(0, number(own[2]) - heldNanos)))
    end
    if tokens ~= 0 or nanos ~= 0 then charge(key, tokens, nanos) end
    if limit.tokens then take(key, "rt", limit.tokens, tokens - heldTokens) end
    redis.call("PEXPIRE", key, int(KEEP))
  end
end
return "settled"
`;

/**
 * Brings what Redis knows of an account up to what a node knows: own spending at once, that of others once it is in the log. Nothing is
 * counted twice by it, because both only grow. ARGV: one JSON; `isBack`: also what the node's requests under way hold.
 */
export const MERGE = `${PRELUDE}
local key, account = KEYS[1], cjson.decode(ARGV[1])
local node = account.node
live(node)
local isNew = redis.call("HSETNX", key, "open", "1") == 1
for per, window in pairs(account.purse) do
  local begun = redis.call("HGET", key, per .. ":s")
  local start = begun and tonumber(begun) or -1
  if start < window[1] then redis.call("HSET", key, per .. ":s", int(window[1]), per .. ":t", int(window[2]), per .. ":u", int(window[3]))
  elseif start == window[1] then
    local found = redis.call("HMGET", key, per .. ":t", per .. ":u")
    redis.call("HSET", key, per .. ":t", int(math.max(number(found[1]), window[2])), per .. ":u", int(math.max(number(found[2]), window[3])))
  end
end
if isNew or account.isBack then
  redis.call("HDEL", key, "n:" .. node, "t:" .. node, "u:" .. node)
  local held = account.held
  if held[1] > 0 then redis.call("HSET", key, "n:" .. node, int(held[1]), "t:" .. node, int(held[2]), "u:" .. node, int(held[3])) end
end
redis.call("PEXPIRE", key, int(KEEP))
return "merged"
`;

/** Says that a node lives, while it has nothing else to say. ARGV: node. */
export const LIVE = `${PRELUDE}
live(ARGV[1])
return "live"
`;
