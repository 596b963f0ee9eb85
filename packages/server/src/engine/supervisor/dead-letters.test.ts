import assert from "node:assert/strict";
import { test } from "node:test";
import { AppError, type Json } from "@tutti/core";
import { letterId, DEAD_LETTER } from "./dead-letter.ts";
import type { DeadLetterView } from "./dead-letters.ts";
import { SqliteStore } from "../../store/index.ts";
import { benchOn, flow, HandClock, owner, type Bench } from "./engine-for-tests.ts";

const openBench = benchOn((dataDir) => SqliteStore.open(dataDir));

const START_MS = Date.parse("2026-01-01T00:00:00Z");
const HOUR_MS = 3_600_000;

/** A workflow with a step before the one that fails until it is mended. */
function fragile(): { readonly workflow: ReturnType<typeof flow>; readonly seen: { fetched: number; isMended: boolean } } {
  const seen = { fetched: 0, isMended: false };
  const workflow = flow("fragile", async (ctx, input) => {
    const fetched = await ctx.step("fetch", () => {
      seen.fetched += 1;
      return seen.fetched;
    });
    return ctx.step("store", (): Json => {
      if (!seen.isMended) throw new AppError("invalid_input", "no such table");
      return { input, fetched };
    });
  });
  return { workflow, seen };
}

/** A bench on which a scheduled run has failed for good. */
async function failed(
  settings: object = {},
): Promise<{ readonly bench: Bench; readonly letter: DeadLetterView; readonly seen: ReturnType<typeof fragile>["seen"] }> {
  const { workflow, seen } = fragile();
  const clock = new HandClock(START_MS);
  const bench = await openBench({ workflows: [workflow], clock });
  await bench.schedules.create({ name: "nightly", workflow: "fragile", when: { everyMs: HOUR_MS }, input: { a: 1 }, ...settings }, owner);
  await bench.schedules.trigger("nightly", owner);
  const letter = await bench.until(async () => (await bench.deadLetters.list({ limit: 10 }))[0]);
  return { bench, letter, seen };
}

const gone = (bench: Bench, id: string): Promise<DeadLetterView> =>
  bench.until(async () => {
    const letter = await bench.deadLetters.show(id);
    return (letter.status === "retried" || letter.status === "dismissed") && letter;
  });

test("a tick's run that fails for good leaves a dead letter that says what, why and where", async () => {
  const { bench, letter } = await failed();
  await using _ = bench;
  const { last, counts } = await bench.until(async () => {
    const schedule = await bench.schedules.show("nightly");
    return schedule.counts.failed === 1 && schedule;
  });
  assert.deepEqual([letter.source, letter.workflow, letter.input], ["schedule/nightly", "fragile", { a: 1 }]);
  assert.deepEqual([letter.error, letter.attempts, letter.status], [{ code: "invalid_input", message: "no such table" }, 1, "waiting"]);
  assert.equal(letter.runId, last?.runId);
  assert.equal(letter.id, letterId(letter.runId ?? ""));
  assert.equal(counts.started, 1);
});

test("a retry goes on from the step that failed, and the letter is gone", async () => {
  const { bench, letter, seen } = await failed();
  await using _ = bench;
  seen.isMended = true;
  await bench.deadLetters.retry(letter.id, {}, owner);
  const { status, outcome } = await gone(bench, letter.id);
  assert.equal(status, "retried");
  const { runId, by } = outcome as { readonly runId: string; readonly by: string };
  assert.equal(by, "owner");
  assert.deepEqual(await bench.engine.result(runId, new AbortController().signal), { input: { a: 1 }, fetched: 1 });
  assert.equal(seen.fetched, 1);
  assert.deepEqual(await bench.deadLetters.list({ limit: 10 }), []);
  assert.equal((await bench.deadLetters.list({ limit: 10, isEnded: true })).length, 1);
});

test("a retry from the start takes another input; one that fails again is counted and waits on", async () => {
  const { bench, letter, seen } = await failed();
  await using _ = bench;
  await bench.deadLetters.retry(letter.id, { from: "start", input: { a: 2 } }, owner);
  const again = await bench.until(async () => {
    const now = await bench.deadLetters.show(letter.id);
    return now.attempts === 2 && now.status === "waiting" && now;
  });
  assert.notEqual(again.runId, letter.runId);
  seen.isMended = true;
  await bench.deadLetters.retry(letter.id, { from: "start", input: { a: 3 } }, owner);
  const { outcome } = await gone(bench, letter.id);
  const { runId } = outcome as { readonly runId: string };
  assert.deepEqual(await bench.engine.result(runId, new AbortController().signal), { input: { a: 3 }, fetched: 3 });
});

test("a dismissed letter keeps who dismissed it and why", async () => {
  const { bench, letter } = await failed();
  await using _ = bench;
  await bench.deadLetters.dismiss(letter.id, "the order was withdrawn", owner);
  assert.deepEqual((await gone(bench, letter.id)).outcome, { outcome: "dismissed", reason: "the order was withdrawn", by: "owner" });
  await assert.rejects(bench.deadLetters.retry(letter.id, {}, owner), { code: "conflict" });
});

test("a letter waits through restarts, and one run leaves one letter however often it is told of", async () => {
  const { bench: first, letter } = await failed();
  await using bench = await first.reopen();
  const { input = null, workflow = "" } = letter;
  const again = { source: letter.source, workflow, input, error: letter.error, runId: letter.runId ?? "" };
  await bench.engine.start(DEAD_LETTER, again, { principal: owner, runId: letter.id });
  assert.deepEqual(
    (await bench.deadLetters.list({ limit: 10 })).map(({ id }) => id),
    [letter.id],
  );
});

test("what has neither a run nor a workflow can only be dismissed, and what is no letter is not found", async () => {
  await using bench = await openBench({ workflows: [], clock: new HandClock(START_MS) });
  const error = { code: "upstream", message: "gone" };
  const { runId } = await bench.engine.start(DEAD_LETTER, { source: "webhook/crm", error }, { principal: owner });
  await assert.rejects(bench.deadLetters.retry(runId, { from: "step" }, owner), { code: "unsupported" });
  await assert.rejects(bench.deadLetters.retry(runId, { from: "start" }, owner), { code: "unsupported" });
  await bench.deadLetters.dismiss(runId, "no longer needed", owner);
  assert.equal((await gone(bench, runId)).status, "dismissed");
  await assert.rejects(bench.deadLetters.show("nobody"), { code: "not_found" });
});

test("a supervised tick is restarted, and leaves its letter only when that does not help", async () => {
  const { bench, letter, seen } = await failed({ supervise: { backoff: { delayMs: 1, delayMaxMs: 1 }, crashLoop: { failuresMax: 1 } } });
  await using _ = bench;
  const { last } = await bench.until(async () => {
    const schedule = await bench.schedules.show("nightly");
    return schedule.counts.failed === 1 && schedule;
  });
  assert.equal(last?.error?.code, "crash_loop");
  assert.match(letter.source, /^supervisor\/nightly@2026-01-01T00:00:00\.000Z$/);
  assert.equal((await bench.deadLetters.list({ limit: 10 })).length, 1);
  seen.isMended = true;
  await bench.deadLetters.retry(letter.id, {}, owner);
  await gone(bench, letter.id);
  assert.equal(seen.fetched, 1);
});
