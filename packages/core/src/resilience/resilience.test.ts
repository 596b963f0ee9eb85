import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { backoffMs } from "./backoff.ts";
import { CircuitBreaker } from "./circuit-breaker.ts";
import { TokenBucket } from "./token-bucket.ts";

test("a backoff stays within its growing bound and its cap", () => {
  const options = fc.record({ delayMs: fc.nat(10_000), delayMaxMs: fc.nat(100_000) });
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 10_000 }),
      options,
      fc.double({ min: 0, max: 0.999, noNaN: true }),
      (...[attempt, bounds, random]) => {
        const waitMs = backoffMs(attempt, bounds, random);
        assert.ok(waitMs >= 0 && waitMs <= bounds.delayMaxMs && waitMs <= bounds.delayMs * 2 ** Math.min(attempt - 1, 30));
      },
    ),
  );
});

test("a token bucket never gives more than its burst and what time brought", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 100 }), fc.integer({ min: 1, max: 50 }), fc.array(fc.nat(500)), (perSecond, burst, stepsMs) => {
      const bucket = new TokenBucket({ perSecond, burst }, 0);
      let nowMs = 0;
      let given = 0;
      for (const stepMs of stepsMs) {
        nowMs += stepMs;
        if (bucket.take(nowMs) === 0) given += 1;
      }
      assert.ok(given <= burst + (nowMs * perSecond) / 1000 + 1e-6);
    }),
  );
});

test("a token bucket says when to come back, and is right", () => {
  const bucket = new TokenBucket({ perSecond: 10, burst: 2 }, 0);
  assert.deepEqual([bucket.take(0), bucket.take(0)], [0, 0]);
  const waitMs = bucket.take(0);
  assert.equal(waitMs, 100);
  assert.equal(bucket.take(waitMs), 0);
  assert.equal(bucket.take(waitMs, 3), Infinity);
  assert.ok(bucket.take(50) > 0, "a clock that goes back gives nothing");
});

test("a breaker opens after failures in a row, lets one trial through, and closes when it works", () => {
  const breaker = new CircuitBreaker({ failuresMax: 2, openMs: 100 });
  breaker.failed(0);
  breaker.succeeded();
  breaker.failed(1);
  assert.ok(breaker.allows(2), "failures are counted in a row");
  breaker.failed(2);
  assert.deepEqual([breaker.allows(3), breaker.allows(101), breaker.allows(102), breaker.allows(103)], [false, false, true, false]);
  breaker.failed(104);
  assert.equal(breaker.allows(150), false);
  assert.equal(breaker.allows(204), true);
  breaker.succeeded();
  assert.ok(breaker.allows(205) && breaker.allows(206));
});
