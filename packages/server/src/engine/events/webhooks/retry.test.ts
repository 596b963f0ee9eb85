import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { nextMove, RETRY_DELAYS_MS, type Attempt } from "./retry.ts";

const DAY_MS = 24 * 3_600_000;
const answered = (status: number, more: Partial<{ atMs: number; random: number; retryAfterMs: number }> = {}): Attempt => ({
  type: "answered",
  status,
  excerpt: "",
  retryAfterMs: null,
  atMs: 0,
  random: 0,
  ...more,
});
const unreachable = (code: string): Attempt => ({ type: "unreachable", code, message: "", atMs: 0, random: 0 });

test("only 2xx is delivered; redirects and errors are tried again, and 410 ends it", () => {
  const after = (attempt: Attempt): string => nextMove([attempt], RETRY_DELAYS_MS).type;
  for (const status of [200, 201, 204, 299]) assert.equal(after(answered(status)), "delivered", String(status));
  for (const status of [100, 301, 302, 307, 400, 401, 404, 429, 500, 503]) assert.equal(after(answered(status)), "retry", String(status));
  assert.equal(after(answered(410)), "gone");
  assert.equal(after(unreachable("ECONNREFUSED")), "retry");
  assert.equal(after(unreachable("denied")), "failed", "a private address stays one");
});

test("Retry-After lengthens a wait and never shortens it", () => {
  assert.deepEqual(nextMove([answered(503, { retryAfterMs: 60_000 })], RETRY_DELAYS_MS), { type: "retry", afterMs: 60_000 });
  assert.deepEqual(nextMove([answered(503, { retryAfterMs: 1_000 })], RETRY_DELAYS_MS), { type: "retry", afterMs: 5_000 });
});

test("a receiver that never answers is given up within a day, whatever it says and however chance falls", () => {
  const hints = fc.infiniteStream(
    fc.record({ random: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }), retryAfterMs: fc.nat(2 * DAY_MS) }),
  );
  fc.assert(
    fc.property(hints, fc.boolean(), (stream, hasHints) => {
      const attempts: Attempt[] = [];
      let atMs = 0;
      for (const { random, retryAfterMs } of stream) {
        attempts.push(answered(503, { atMs, random, ...(hasHints && { retryAfterMs }) }));
        const move = nextMove(attempts, RETRY_DELAYS_MS);
        if (move.type !== "retry") break;
        atMs += move.afterMs;
      }
      assert.ok(atMs <= DAY_MS, `the last attempt is after ${atMs} ms`);
      assert.ok(hasHints || attempts.length === RETRY_DELAYS_MS.length + 1, "without hints every attempt is made");
    }),
  );
});
