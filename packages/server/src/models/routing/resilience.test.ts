import assert from "node:assert/strict";
import { test } from "node:test";
import { AppError } from "@tutti/core";
import { called, names, question, route, routerOf } from "./test-world.ts";

test("a target that fails in a row is left alone, tried by one call, and taken back when that works", () => {
  const parts = routerOf([route("r", ["a", "b"])]);
  const { router, clock } = parts;
  for (let count = 0; count < 3; count += 1) called(parts, router.plan(question("r")), { outcome: "failed" });
  const open = router.plan(question("r"));
  assert.deepEqual(names(open), ["b"]);
  assert.match(open.leftOut[0]?.reason ?? "", /it failed too often, and is for 10 s/);
  clock.nowMs += 10_000;
  const trial = router.plan(question("r"));
  assert.deepEqual(names(trial), ["a", "b"]);
  const first = trial.candidates[0]?.target;
  assert.ok(first);
  const watch = router.begin(first);
  assert.deepEqual(names(router.plan(question("r"))), ["b"], "one call tries it");
  watch.end({ outcome: "answered" });
  assert.deepEqual(names(router.plan(question("r"))), ["a", "b"]);
  assert.equal(router.stats().find(({ model }) => model === "a")?.status, "ok");
});

test("nobody is let in to a target that is left alone, and nobody waits for it", () => {
  const parts = routerOf([route("r", ["a"])]);
  const { router, clock } = parts;
  const plan = router.plan(question("r"));
  for (let count = 0; count < 3; count += 1) called(parts, plan, { outcome: "failed" });
  const only = plan.candidates[0]?.target;
  assert.ok(only);
  assert.throws(() => router.begin(only), { code: "upstream", message: /"p\/a" failed 3 times in a row and is left alone for 10 s/ });
  assert.equal(router.pauseBeforeMs(plan, 1, failed("upstream", 5_000)), undefined);
  clock.nowMs += 10_000;
  router.begin(only).end({ outcome: "answered" });
});

test("a client that leaves tells nothing about a target", () => {
  const { router } = routerOf([route("r", ["a", "b"])]);
  for (let count = 0; count < 10; count += 1) {
    const first = router.plan(question("r")).candidates[0]?.target;
    assert.ok(first);
    router.begin(first).end({ outcome: "unknown" });
  }
  assert.deepEqual(names(router.plan(question("r"))), ["a", "b"]);
});

test("a target that asks to be left alone is, unless nobody else is there", () => {
  const parts = routerOf([route("r", ["a", "b"]), route("alone", ["a"])]);
  const { router, clock } = parts;
  called(parts, router.plan(question("r")), { outcome: "failed", retryAfterMs: 30_000 });
  assert.deepEqual(names(router.plan(question("r"))), ["b"]);
  assert.deepEqual(names(router.plan(question("alone"))), ["a"]);
  clock.nowMs += 30_000;
  assert.deepEqual(names(router.plan(question("r"))), ["a", "b"]);
});

const failed = (code: ConstructorParameters<typeof AppError>[0], retryAfterMs?: number): AppError =>
  new AppError(code, "no", { cause: { status: 500, ...(retryAfterMs !== undefined && { retryAfterMs }) } });

test("what may help is tried again: elsewhere at once, at the same target after a pause", () => {
  const { router } = routerOf([route("r", ["a", "b"])], { random: () => 0.5 });
  const plan = router.plan(question("r"));
  assert.equal(router.pauseBeforeMs(plan, 1, failed("upstream")), 0);
  assert.equal(router.pauseBeforeMs(plan, 2, failed("upstream")), 125);
  assert.equal(router.pauseBeforeMs(plan, 2, failed("rate_limited", 2_000)), 2_000);
  assert.equal(router.pauseBeforeMs(plan, 2, failed("rate_limited", 60_000)), undefined, "nobody waits a minute");
  assert.equal(router.pauseBeforeMs(plan, 3, failed("upstream")), undefined, "three attempts are all");
});

test("a wrong key is not tried again where it is wrong, and a client's mistake nowhere", () => {
  const { router } = routerOf([route("r", ["a", "b"])]);
  const plan = router.plan(question("r"));
  assert.equal(router.pauseBeforeMs(plan, 1, failed("invalid_config")), 0);
  assert.equal(router.pauseBeforeMs(plan, 2, failed("invalid_config")), undefined);
  for (const code of ["invalid_input", "cancelled", "denied", "budget_exceeded"] as const)
    assert.equal(router.pauseBeforeMs(plan, 1, failed(code)), undefined);
});

test("retries stay within the route's budget however many requests fail", () => {
  const { router, clock } = routerOf([route("r", ["a", "b"], { retries: { attemptsMax: 20, budgetRatio: 0.1 } })]);
  let retries = 0;
  for (let count = 0; count < 1_000; count += 1) {
    const plan = router.plan(question("r"));
    for (let attempt = 1; router.pauseBeforeMs(plan, attempt, failed("upstream")) !== undefined; attempt += 1) retries += 1;
    clock.nowMs += 10;
  }
  // A tenth of the requests, the burst of ten, and one a second for ten seconds.
  assert.ok(retries >= 100 && retries <= 121, String(retries));
});

test("a second target is asked once the first is slower than it mostly is", () => {
  const parts = routerOf([
    route("fixed", ["a", "b"], { hedge: { afterMs: 700 } }),
    route("measured", ["a", "b"], { hedge: { percentile: 95 } }),
    route("alone", ["a"], { hedge: { afterMs: 700 } }),
  ]);
  const { router } = parts;
  const hedge = (model: string): number | undefined => router.plan(question(model)).hedgeAfterMs;
  assert.deepEqual([hedge("fixed"), hedge("alone"), hedge("measured")], [700, undefined, undefined]);
  for (let firstByteMs = 1; firstByteMs <= 100; firstByteMs += 1) called(parts, router.plan(question("fixed")), { firstByteMs });
  assert.equal(hedge("measured"), 95);
});

test("the numbers of a target are averages that move with its calls", () => {
  const parts = routerOf([route("r", ["a"])], { prices: { a: { inputPerToken: 1e-6, outputPerToken: 2e-6 } } });
  const { router, clock } = parts;
  const one = router.plan(question("r")).candidates[0]?.target;
  assert.ok(one);
  const watch = router.begin(one);
  assert.equal(router.stats()[0]?.underWay, 1);
  clock.nowMs += 100;
  watch.firstByte();
  clock.nowMs += 1_000;
  watch.end({ outcome: "answered", usage: { inputTokens: 1_000, outputTokens: 50 } });
  watch.end({ outcome: "failed" });
  const stats = { id: "p/a", provider: "p", model: "a", status: "ok", underWay: 0, calls: 1, failures: 0, errorRate: 0 };
  const measured = { latencyMs: 1_100, firstByteMs: 100, tokensPerSecond: 50, outputTokens: 50, cacheShare: 0, costUsd: 0.0011 };
  assert.deepEqual(router.stats(), [{ ...stats, ...measured }]);
  router.begin(one).end({ outcome: "failed" });
  assert.equal(router.stats()[0]?.errorRate, 0.2);
});

test("names that clients make up do not fill the memory, and push out nothing that the configuration names", () => {
  const parts = routerOf([route("r", ["a", "b"])]);
  const { router } = parts;
  for (let count = 0; count < 3; count += 1) called(parts, router.plan(question("r")), { outcome: "failed" });
  for (let count = 0; count < 5_000; count += 1) {
    const [only] = router.plan(question(`made-up-${count}`)).candidates;
    assert.ok(only);
    router.begin(only.target).end({ outcome: "unknown" });
  }
  assert.ok(router.stats().length <= 2_002);
  assert.deepEqual(names(router.plan(question("r"))), ["b"], "what failed is still left alone");
});
