import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { AppError } from "@tutti/core";
import fc from "fast-check";
import { LocalCounters, type GroupLimits } from "./local-counters.ts";
import type { Ask, Limits, Payer, Reservation, Spent } from "./limits.ts";

const NOON = Date.parse("2026-11-21T12:00:00Z");
const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

describe("limits", () => {
  test("a budget in dollars is refused when it is spent, with what is left, when it resets, and 402", () => {
    const bench = openBench();
    const payer = bench.payer({ budgets: [{ amountUsd: 1, per: "day" }] });
    bench.reserve(payer, { costUsdMax: 0.6 }).settle(spent({ costUsd: 0.55 }));
    bench.reserve(payer, { costUsdMax: 0.6 }).settle(spent({ costUsd: 0.45 }));
    const error = refusal(() => bench.reserve(payer, { costUsdMax: 0.01 }));
    assert.equal(error.code, "budget_exceeded");
    assert.match(error.message, /budget of \$1 a day of the key "shop".*\$1 are spent.*2026-11-22T00:00:00\.000Z/);
    assert.deepEqual(error.cause, { limit: "key:shop usd per day", left: 0, resetAt: "2026-11-22T00:00:00.000Z" });
  });

  test("a window ends with its day, week (on Monday) and month, in UTC", () => {
    for (const [per, before, after] of [
      ["day", "2026-11-21T23:59:59.999Z", "2026-11-22T00:00:00.000Z"],
      ["week", "2026-11-22T23:59:59.999Z", "2026-11-23T00:00:00.000Z"],
      ["month", "2026-11-30T23:59:59.999Z", "2026-12-01T00:00:00.000Z"],
    ] as const) {
      const bench = openBench();
      const payer = bench.payer({ budgets: [{ tokens: 10, per }] });
      bench.reserve(payer, { inputTokens: 10 }).settle(spent({ tokens: 10 }));
      bench.nowMs = Date.parse(before);
      assert.equal(refusal(() => bench.reserve(payer)).code, "budget_exceeded", per);
      bench.nowMs = Date.parse(after);
      bench.reserve(payer).release();
    }
  });

  test("a total never resets", () => {
    const bench = openBench();
    const payer = bench.payer({ budgets: [{ tokens: 10, per: "total" }] });
    bench.reserve(payer, { inputTokens: 10 }).settle(spent({ tokens: 10 }));
    bench.nowMs += 1_000 * DAY_MS;
    const error = refusal(() => bench.reserve(payer));
    assert.deepEqual([error.code, (error.cause as { readonly resetAt: unknown }).resetAt], ["budget_exceeded", null]);
  });

  test("a request that may cost more than is left is let in when it is alone, so that small budgets can be used up", () => {
    const bench = openBench();
    const payer = bench.payer({ budgets: [{ amountUsd: 0.1, per: "day" }] });
    const first = bench.reserve(payer, { costUsdMax: 2 });
    const error = refusal(() => bench.reserve(payer, { costUsdMax: 0.01 }));
    assert.equal(error.code, "rate_limited", "it can be tried again when the first has ended");
    assert.ok((error.cause as { readonly retryAfterMs: number }).retryAfterMs > 0);
    first.settle(spent({ costUsd: 0.02 }));
    bench.reserve(payer, { costUsdMax: 0.01 }).release();
  });

  test("requests a minute refill evenly, and a refusal says when the next fits", () => {
    const bench = openBench();
    const payer = bench.payer({ requestsPerMinute: 2 });
    bench.reserve(payer).release();
    bench.reserve(payer).release();
    const { code, cause } = refusal(() => bench.reserve(payer));
    const { retryAfterMs } = cause as { readonly retryAfterMs: number };
    assert.deepEqual([code, Math.round(retryAfterMs)], ["rate_limited", MINUTE_MS / 2]);
    assert.deepEqual((cause as { readonly headers: unknown }).headers, {
      "x-ratelimit-limit-requests": "2",
      "x-ratelimit-remaining-requests": "0",
      "x-ratelimit-reset-requests": "1m0s",
    });
    bench.nowMs += retryAfterMs;
    bench.reserve(payer).release();
    assert.equal(refusal(() => bench.reserve(payer)).code, "rate_limited");
  });

  test("tokens a minute are taken for the most that a request may use, and given back when it used less", () => {
    const bench = openBench();
    const payer = bench.payer({ tokensPerMinute: 100 });
    const first = bench.reserve(payer, { inputTokens: 20, outputTokensMax: 80 });
    assert.match(
      refusal(() => bench.reserve(payer, { inputTokens: 1 })).message,
      /100 tokens a minute of the key "shop", got more: 0 left/,
    );
    first.settle(spent({ tokens: 30 }));
    bench.reserve(payer, { inputTokens: 70 }).release();
  });

  test("a request that is larger than the whole limit a minute goes when nothing is used, and what it used is a debt", () => {
    const bench = openBench();
    const payer = bench.payer({ tokensPerMinute: 100 });
    bench.reserve(payer, { outputTokensMax: 5_000 }).settle(spent({ tokens: 300 }));
    bench.nowMs += MINUTE_MS;
    assert.equal(refusal(() => bench.reserve(payer, { inputTokens: 1 })).code, "rate_limited");
    bench.nowMs += 2 * MINUTE_MS;
    bench.reserve(payer, { inputTokens: 100 }).release();
  });

  test("parallel requests are counted until they end, and ending twice counts once", () => {
    const bench = openBench();
    const payer = bench.payer({ parallel: 2 });
    const [first] = [bench.reserve(payer), bench.reserve(payer)];
    assert.match(refusal(() => bench.reserve(payer)).message, /at most 2 requests of the key "shop" at the same time/);
    first.release();
    first.settle(spent({ tokens: 5 }));
    bench.reserve(payer);
    assert.equal(refusal(() => bench.reserve(payer)).code, "rate_limited");
  });

  test("all limits that apply must allow: the key's, its user's and its team's, and refusals name whose it was", () => {
    const bench = openBench({ users: { ada: { parallel: 2 } }, teams: { "*": { budgets: [{ tokens: 100, per: "month" }] } } });
    const laptop = bench.payer({ parallel: 1 }, { keyId: "laptop", user: "ada", team: "search" });
    const server = bench.payer({}, { keyId: "server", user: "ada", team: "search" });
    const other = bench.payer({}, { keyId: "other", user: "bob", team: "search" });
    const first = bench.reserve(laptop, { inputTokens: 10 });
    assert.match(refusal(() => bench.reserve(laptop)).message, /the key "laptop"/);
    const second = bench.reserve(server, { inputTokens: 10 });
    assert.match(refusal(() => bench.reserve(server)).message, /the user "ada"/);
    first.settle(spent({ tokens: 60 }));
    second.settle(spent({ tokens: 40 }));
    assert.match(refusal(() => bench.reserve(other)).message, /100 tokens a month of the team "search"/);
  });

  test("a refused request takes nothing of any limit", () => {
    const bench = openBench({ users: {}, teams: { search: { requestsPerMinute: 5 } } });
    const payer = bench.payer({ parallel: 1 }, { keyId: "a", team: "search" });
    const first = bench.reserve(payer);
    for (let count = 0; count < 20; count += 1) refusal(() => bench.reserve(payer));
    first.release();
    assert.equal(bench.reserve(payer).headers["x-ratelimit-remaining-requests"], "3");
  });

  test("the headers are OpenAI's, for the tightest limit, and none are sent where none apply", () => {
    const bench = openBench({ users: {}, teams: { search: { requestsPerMinute: 60, tokensPerMinute: 6_000 } } });
    const payer = bench.payer({ requestsPerMinute: 600 }, { keyId: "a", team: "search" });
    const reservation = bench.reserve(payer, { inputTokens: 1_000, outputTokensMax: 500 });
    assert.deepEqual(reservation.headers, {
      "x-ratelimit-limit-requests": "60",
      "x-ratelimit-remaining-requests": "59",
      "x-ratelimit-reset-requests": "1s",
      "x-ratelimit-limit-tokens": "6000",
      "x-ratelimit-remaining-tokens": "4500",
      "x-ratelimit-reset-tokens": "15s",
    });
    assert.deepEqual(bench.reserve(bench.payer({}, { keyId: "free" })).headers, {});
  });

  test("whatever happens in whatever order, a budget is never overspent by more than one request in flight", () => {
    const steps = fc.array(
      fc.record({
        what: fc.constantFrom("reserve", "reserve", "settle", "release", "wait"),
        most: fc.integer({ min: 1, max: 60 }),
        part: fc.double({ min: 0, max: 1, noNaN: true }),
        which: fc.nat(20),
        isOther: fc.boolean(),
      }),
      { maxLength: 120 },
    );
    fc.assert(
      fc.property(steps, fc.integer({ min: 1, max: 200 }), (list, limit) => {
        const bench = openBench({ users: {}, teams: { t: { budgets: [{ tokens: limit, per: "total" }] } } });
        const payers = ["a", "b"].map((keyId) => bench.payer({}, { keyId, team: "t" }));
        const open: { readonly reservation: Reservation; readonly most: number }[] = [];
        let used = 0;
        let largest = 0;
        for (const { what, most, part, which, isOther } of list) {
          if (what === "wait") bench.nowMs += most * MINUTE_MS;
          if (what === "reserve") {
            const reservation = bench.tryReserve(payers[isOther ? 1 : 0] ?? bench.payer({}), { inputTokens: most });
            if (reservation === undefined) continue;
            open.push({ reservation, most });
            largest = Math.max(largest, most);
          }
          const [ending] = what === "settle" || what === "release" ? open.splice(which % Math.max(1, open.length), 1) : [];
          if (ending === undefined) continue;
          const tokens = what === "settle" ? Math.ceil(ending.most * part) : 0;
          if (what === "settle") ending.reservation.settle(spent({ tokens }));
          else ending.reservation.release();
          used += tokens;
        }
        for (const { reservation, most } of open) {
          reservation.settle(spent({ tokens: most }));
          used += most;
        }
        assert.ok(used < limit + largest, `${used} of ${limit}, and no request may use more than ${largest}`);
      }),
    );
  });
});

interface Bench {
  nowMs: number;
  payer(limits: Limits, of?: Partial<Payer>): Payer;
  reserve(payer: Payer, ask?: Partial<Ask>): Reservation;
  tryReserve(payer: Payer, ask?: Partial<Ask>): Reservation | undefined;
}

/** Counters on a clock that tests set. */
function openBench(groups: GroupLimits = { users: {}, teams: {} }): Bench {
  const counters = new LocalCounters(groups, () => bench.nowMs);
  const bench: Bench = {
    nowMs: NOON,
    payer: (limits, of = {}) => ({ keyId: "shop", ...of, limits }),
    reserve: (payer, ask = {}) =>
      counters.reserve(payer, { model: "m", inputTokens: 0, outputTokensMax: 0, costUsdMax: undefined, ...ask }),
    tryReserve(payer, ask) {
      try {
        return bench.reserve(payer, ask);
      } catch (thrown) {
        if (thrown instanceof AppError) return undefined;
        throw thrown;
      }
    },
  };
  return bench;
}

function spent({ tokens = 0, costUsd }: { readonly tokens?: number; readonly costUsd?: number }): Spent {
  return { usage: { inputTokens: tokens, outputTokens: 0 }, costUsd, isEstimated: false };
}

function refusal(work: () => unknown): AppError {
  try {
    work();
  } catch (thrown) {
    assert.ok(thrown instanceof AppError);
    return thrown;
  }
  return assert.fail("it was let in");
}
