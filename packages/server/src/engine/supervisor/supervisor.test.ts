import assert from "node:assert/strict";
import { test } from "node:test";
import { AppError, type Json, type RunRecord } from "@tutti/core";
import { SqliteStore } from "../../store/index.ts";
import { benchOn, flow, HandClock, owner, type Bench } from "./engine-for-tests.ts";
import type { SupervisedView } from "./supervision.ts";

const openBench = benchOn((dataDir) => SqliteStore.open(dataDir));

const START_MS = Date.parse("2026-01-01T00:00:00Z");
const never = new AbortController().signal;

/** A workflow that fails until it is told otherwise. */
function moody(): { readonly workflow: ReturnType<typeof flow>; readonly mood: { isGood: boolean; runs: number } } {
  const mood = { isGood: false, runs: 0 };
  const workflow = flow("moody", (ctx, input) =>
    ctx.step(
      "try",
      (): Json => {
        mood.runs += 1;
        if (!mood.isGood) throw new AppError("upstream", "the other side is down");
        return input;
      },
      { attemptsMax: 1 },
    ),
  );
  return { workflow, mood };
}

const shown = (bench: Bench, name: string, status: SupervisedView["status"]): Promise<SupervisedView> =>
  bench.until(async () => {
    const view = await bench.supervision.show(name);
    return view.status === status && view;
  });
const ended = (bench: Bench, runId: string): Promise<RunRecord> =>
  bench.until(async () => {
    const run = await bench.store.run(runId);
    return run?.endedAt != null && run;
  });

/** Lets the clock go on to each restart until the view has another status. */
async function through(bench: Bench, clock: HandClock, restarts: number): Promise<void> {
  for (let restart = 0; restart < restarts; restart += 1) {
    const { restartAt, supervisorId } = await bench.until(async () => {
      const view = await bench.supervision.show("job");
      return view.status === "waiting to restart" && view.restarts === restart && view;
    });
    await bench.until(async () => (await bench.events(supervisorId)).at(-1)?.type === "step.waiting");
    clock.set(Date.parse(restartAt ?? ""));
  }
}

test("work that fails is started again after growing waits, and its result is kept", async () => {
  const { workflow, mood } = moody();
  const clock = new HandClock(START_MS);
  await using bench = await openBench({ workflows: [workflow], clock });
  const { supervisorId } = await bench.supervision.start({ name: "job", workflow: "moody", input: { n: 1 } }, owner);
  await through(bench, clock, 2);
  const waiting = await bench.until(async () => {
    const view = await bench.supervision.show("job");
    return view.restarts === 2 && view.status === "waiting to restart" && view;
  });
  assert.deepEqual([waiting.failures, waiting.error], [3, { code: "upstream", message: "the other side is down" }]);
  mood.isGood = true;
  await bench.supervision.resume("job", owner);
  const output = await bench.engine.result(supervisorId, never);
  assert.deepEqual((output as { readonly outcome: string; readonly restarts: number }).outcome, "completed");
  assert.equal(mood.runs, 4);
  assert.equal((await bench.engine.replay(supervisorId)).matches, true);
  assert.deepEqual(await bench.supervision.list(), []);
});

test("a crash loop pauses, says why, tells subscribers, and goes on when somebody resumes it", async () => {
  const { workflow, mood } = moody();
  const clock = new HandClock(START_MS);
  await using bench = await openBench({ workflows: [workflow], clock });
  const policy = { crashLoop: { failuresMax: 3, withinMs: 3_600_000 } };
  const { supervisorId } = await bench.supervision.start({ name: "job", workflow: "moody", policy }, owner);
  await through(bench, clock, 2);
  const loop = await shown(bench, "job", "crash loop");
  assert.deepEqual([loop.restarts, loop.failures], [2, 3]);
  const told = await bench.until(async () =>
    (await bench.events(supervisorId)).find((event) => event.type === "step.completed" && event.kind === "emit"),
  );
  assert.ok(told.type === "step.completed" && told.name === "tutti.crash-loop");
  assert.match(JSON.stringify(told.output), /failed 3 times within 3600 s; the last time with upstream: the other side is down/);
  clock.set(START_MS + 86_400_000);
  assert.equal((await bench.supervision.show("job")).status, "crash loop");
  mood.isGood = true;
  await bench.supervision.resume("job", owner);
  await bench.engine.result(supervisorId, never);
  assert.equal(mood.runs, 4);
});

test("a crash loop that gives up leaves a dead letter", async () => {
  const { workflow } = moody();
  const clock = new HandClock(START_MS);
  await using bench = await openBench({ workflows: [workflow], clock });
  const policy = { crashLoop: { failuresMax: 2, action: "fail" } };
  const { supervisorId } = await bench.supervision.start({ name: "job", workflow: "moody", input: 7, policy }, owner);
  await through(bench, clock, 1);
  await assert.rejects(bench.engine.result(supervisorId, never), { code: "crash_loop" });
  const [letter] = await bench.deadLetters.list({ limit: 10 });
  assert.deepEqual([letter?.source, letter?.workflow, letter?.input, letter?.attempts], ["supervisor/job", "moody", 7, 2]);
  assert.equal(letter?.error.code, "crash_loop");
});

test("work that always runs is started again when it completes, and stops when somebody says so", async () => {
  const clock = new HandClock(START_MS);
  const tick = flow("tick", async (ctx, input) => {
    await ctx.waitFor("go");
    return input;
  });
  await using bench = await openBench({ workflows: [tick], clock });
  const policy = { restart: "always", backoff: { delayMs: 1_000 } };
  const { supervisorId } = await bench.supervision.start({ name: "job", workflow: "tick", policy }, owner);
  const first = await bench.until(async () => (await bench.supervision.show("job")).runId);
  await bench.until(async () => (await bench.store.run(first))?.status === "waiting");
  await bench.engine.signal(first, { name: "go", value: null }, owner);
  await through(bench, clock, 1);
  const second = await bench.until(async () => {
    const { runId, status } = await bench.supervision.show("job");
    return status === "running" && runId !== first && runId;
  });
  await bench.supervision.stop("job", "enough", owner);
  const output = await bench.engine.result(supervisorId, never);
  assert.deepEqual(output, { outcome: "stopped", reason: "enough", runId: second, restarts: 1 });
  assert.equal((await ended(bench, second)).status, "cancelled");
});

test("work that is never restarted leaves a dead letter at its first failure; work that somebody cancels leaves none", async () => {
  const { workflow } = moody();
  const patient = flow("patient", async (ctx) => (await ctx.waitFor("go")) ?? null);
  await using bench = await openBench({ workflows: [workflow, patient], clock: new HandClock(START_MS) });
  const failing = await bench.supervision.start({ name: "job", workflow: "moody", policy: { restart: "never" } }, owner);
  await assert.rejects(bench.engine.result(failing.supervisorId, never), { code: "upstream" });
  const left = await bench.supervision.start({ name: "left", workflow: "patient" }, owner);
  await assert.rejects(bench.supervision.resume("left", owner), { code: "conflict", message: /which is running/ });
  const runId = await bench.until(async () => (await bench.supervision.show("left")).runId);
  await bench.until(async () => (await bench.store.run(runId))?.status === "waiting");
  await bench.engine.cancel(runId, "not today", owner);
  const output = await bench.engine.result(left.supervisorId, never);
  assert.deepEqual(output, { outcome: "cancelled", runId, restarts: 0 });
  assert.deepEqual(
    (await bench.deadLetters.list({ limit: 10 })).map(({ source }) => source),
    ["supervisor/job"],
  );
});

test("a supervisor goes on after a restart of the machine, with what it knows", async () => {
  const { workflow, mood } = moody();
  const clock = new HandClock(START_MS);
  await using first = await openBench({ workflows: [workflow], clock });
  const { supervisorId } = await first.supervision.start({ name: "job", workflow: "moody" }, owner);
  await through(first, clock, 1);
  await first.until(async () => (await first.supervision.show("job")).failures === 2);
  await first.until(async () => (await first.events(supervisorId)).at(-1)?.type === "step.waiting");
  mood.isGood = true;
  await using bench = await first.reopen(() => clock.set(START_MS + 3_600_000));
  const output = await bench.engine.result(supervisorId, never);
  assert.equal((output as { readonly restarts: number }).restarts, 2);
  assert.equal(mood.runs, 3);
});

test("a step that gives no sign of life is shown as stuck", async () => {
  const clock = new HandClock(START_MS);
  const silent = flow("silent", (ctx) =>
    ctx.step("load", ({ attempt }): Promise<Json> => (attempt === 1 ? new Promise(() => undefined) : Promise.resolve("loaded")), {
      heartbeatMs: 60_000,
      timeoutMs: 3_600_000,
      backoff: { delayMs: 10_000, delayMaxMs: 10_000 },
    }),
  );
  await using bench = await openBench({ workflows: [silent], clock });
  const { supervisorId } = await bench.supervision.start({ name: "job", workflow: "silent" }, owner);
  const runId = await bench.until(async () => (await bench.supervision.show("job")).runId);
  await bench.until(async () => (await bench.store.run(runId))?.status === "running");
  const { stuck } = await bench.until(async () => {
    clock.set(clock.nowMs() + 1_000);
    const view = await bench.supervision.show("job");
    return view.stuck.length > 0 && view;
  });
  assert.deepEqual([stuck[0]?.step, stuck[0]?.attempt], ["load", 1]);
  await bench.until(async () => {
    clock.set(clock.nowMs() + 1_000);
    return (await bench.store.run(supervisorId))?.endedAt != null;
  });
});
