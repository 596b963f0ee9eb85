import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { AppError, type Json, type Plugin, type RunContext, type RunRecord, type Schema } from "@tutti/core";
import type { RunDiff, RunInsight, Waiting, WorkflowInsight } from "@tutti/core/insight";
import { startTestApp, type TestApp } from "../../testing.ts";

const anything: Schema<Json> = { "~standard": { validate: (value: unknown) => ({ value }) } };
const workflow = (name: string, run: (ctx: RunContext, input: Json) => Promise<Json>): NonNullable<Plugin["workflows"]>[number] => ({
  name,
  version: "1",
  input: anything,
  run,
});

/** Long enough to stand out from everything the engine does. */
const LONG_MS = 60;
const SHORT_MS = 5;

const plugin: Plugin = {
  name: "test",
  workflows: [
    workflow("branched", async (ctx) => {
      const short = Promise.withResolvers<void>();
      await ctx.all([
        (branch) => branch.step("long", () => short.promise.then(() => pause(LONG_MS))),
        (branch) => branch.step("short", () => pause(SHORT_MS).finally(short.resolve)),
      ]);
      return ctx.step("last", () => "done");
    }),
    workflow("narrow", async (ctx) => {
      await ctx.map([1, 2, 3, 4], (branch) => branch.step("item", () => pause(LONG_MS / 2)), { concurrency: 2 });
      return null;
    }),
    workflow("flaky", (ctx) =>
      ctx.step("fetch", async ({ attempt }) => {
        await pause(SHORT_MS);
        if (attempt === 1) throw new AppError("upstream", "busy");
        return attempt;
      }),
    ),
    workflow("parent", (ctx, input) => ctx.start("branched", input)),
    workflow("echo", (ctx, input) => ctx.step("echo", () => ({ said: input }))),
    workflow("wait", async (ctx) => (await ctx.waitFor("go", { timeoutMs: 3_600_000 })) ?? null),
    workflow("wait for child", (ctx) => ctx.start("wait", null)),
    workflow("ask", async (ctx) => {
      const { approved } = await ctx.approve({
        question: "Refund 20 dollars?",
        approvers: ["finance"],
        timeoutMs: 3_600_000,
        otherwise: "refuse",
      });
      return approved;
    }),
    workflow("sleep", async (ctx) => {
      await ctx.sleep(3_600_000);
      return null;
    }),
    workflow("race", async (ctx) => {
      const sleeper = async (branch: RunContext): Promise<string> => {
        await branch.sleep(3_600_000);
        return "slept";
      };
      const first = await ctx.race([(branch) => branch.step("work", () => pause(SHORT_MS, "work")), sleeper]);
      return [first, await ctx.step("after", () => pause(SHORT_MS, "after"))];
    }),
    workflow("add", async (ctx, input) => Number(await ctx.step("one", () => 1)) + Number(await ctx.step("input", () => Number(input)))),
    workflow("broken", (ctx) =>
      ctx.step("fail", () => {
        throw new AppError("invalid_input", "it cannot work");
      }),
    ),
  ],
};

const get = async <T>(app: TestApp, path: string): Promise<T> => {
  const response = await app.fetch(path);
  const body = (await response.json()) as T;
  assert.equal(response.status, 200, JSON.stringify(body));
  return body;
};

async function start(app: TestApp, name: string, input: Json = null): Promise<string> {
  const response = await app.fetch("/v1/runs", { workflow: name, input });
  return ((await response.json()) as { readonly run: RunRecord }).run.id;
}

/** Runs a workflow to its end, whatever that is. */
async function ran(app: TestApp, name: string, input: Json = null): Promise<string> {
  const id = await start(app, name, input);
  await app.app.engine.result(id, new AbortController().signal).catch(() => undefined);
  return id;
}

const insightOf = async (app: TestApp, id: string): Promise<RunInsight> =>
  (await get<{ readonly insight: RunInsight }>(app, `/v1/runs/${id}/insight`)).insight;

async function waitingUntil(app: TestApp, id: string, pattern: RegExp): Promise<readonly Waiting[]> {
  for (;;) {
    const { waiting } = await get<{ readonly waiting: readonly Waiting[] }>(app, `/v1/runs/${id}/waiting`);
    if (waiting.some(({ sentence }) => pattern.test(sentence))) return waiting;
    await pause(2);
  }
}

describe("the insight of a run", () => {
  test("its critical path goes through the longer branch, and the shorter one has slack", async () => {
    await using app = await startTestApp({ inlinePlugins: [plugin] });
    const { path, steps, totals, bounds } = await insightOf(app, await ran(app, "branched"));
    assert.deepEqual(
      path.map(({ key, name }) => [key, name]),
      [
        ["0.0.0", "long"],
        ["1", "last"],
      ],
    );
    const short = steps.find(({ name }) => name === "short");
    assert.ok(short?.isOnPath === false && (short.slackMs ?? 0) > 0 && short.durationMs + (short.slackMs ?? 0) <= totals.wallMs);
    assert.ok(path.reduce((sum, { onPathMs }) => sum + onPathMs, 0) <= totals.wallMs);
    assert.deepEqual([bounds.steps, bounds.pathSteps, bounds.forks], [3, 2, 1]);
  });

  test("branches that waited for a place in their map are told, with how many ran at once", async () => {
    await using app = await startTestApp({ inlinePlugins: [plugin] });
    const { forks, path } = await insightOf(app, await ran(app, "narrow"));
    assert.deepEqual(
      forks.map(({ key, lanes, branches }) => [key, lanes, branches]),
      [["0", 2, 4]],
    );
    assert.deepEqual(
      forks[0]?.listed.map(({ queuedMs }) => queuedMs > 0),
      [false, false, true, true],
    );
    assert.equal(path.length, 2);
  });

  test("a failed attempt shows what it cost, its back-off apart", async () => {
    await using app = await startTestApp({ inlinePlugins: [plugin] });
    const { retries, totals, steps } = await insightOf(app, await ran(app, "flaky"));
    assert.equal(retries.attempts, 1);
    assert.ok(retries.lostMs > 0 && totals.retryingMs > 0 && totals.runningMs > 0);
    assert.deepEqual(
      steps.map(({ attempts, lostMs, status }) => [attempts, lostMs === retries.lostMs, status]),
      [[2, true, "completed"]],
    );
  });

  test("the loser of a race is not part of what decided", async () => {
    await using app = await startTestApp({ inlinePlugins: [plugin] });
    const { path, steps, totals } = await insightOf(app, await ran(app, "race"));
    assert.deepEqual(
      path.map(({ name }) => name),
      ["work", "after"],
    );
    assert.equal(steps.find(({ kind }) => kind === "sleep")?.slackMs, null);
    assert.ok(totals.waitingMs < totals.wallMs);
  });

  test("a child run is seen through to its own steps", async () => {
    await using app = await startTestApp({ inlinePlugins: [plugin] });
    const { path, steps } = await insightOf(app, await ran(app, "parent"));
    assert.deepEqual(
      path.map(({ name }) => name),
      ["branched"],
    );
    assert.deepEqual(
      steps[0]?.child?.path.map(({ name }) => name),
      ["long", "last"],
    );
    assert.equal(steps[0]?.child?.steps.length, 3);
  });
});

describe("the insight of a graph's run", () => {
  test("its critical path goes along the edges, in steps named after their nodes", async () => {
    await using app = await startTestApp({ inlinePlugins: [plugin] });
    const wait = (ms: number): Json => ({ type: "wait", ms });
    const graph = {
      name: "diamond",
      version: "1",
      nodes: { first: wait(SHORT_MS), long: wait(LONG_MS), short: wait(SHORT_MS), last: wait(SHORT_MS) },
      edges: [
        { from: "first", to: "long" },
        { from: "first", to: "short" },
        { from: "long", to: "last" },
        { from: "short", to: "last" },
      ],
    };
    const response = await app.fetch("/v1/graphs/runs", { graph });
    const { run } = (await response.json()) as { readonly run: RunRecord };
    await app.app.engine.result(run.id, new AbortController().signal);
    const { path, steps, forks } = await insightOf(app, run.id);
    assert.deepEqual(
      path.filter(({ kind }) => kind === "sleep").map(({ name }) => name),
      ["first: sleep", "long: sleep", "last: sleep"],
    );
    const short = steps.find(({ name }) => name === "short: sleep");
    assert.ok(short !== undefined && (short.slackMs ?? 0) > 0);
    assert.ok(forks.every(({ lanes, branches }) => lanes >= branches));
  });
});

describe("what a run waits for", () => {
  test("is told with who may answer, what holds when nobody does, and until when a sleep lasts", async () => {
    await using app = await startTestApp({ inlinePlugins: [plugin] });
    const [approval] = await waitingUntil(app, await start(app, "ask"), /Refund/);
    assert.match(
      approval?.sentence ?? "",
      /waits for an answer to "Refund 20 dollars\?" for .+; finance may answer until .+, after which it counts as refused\.$/,
    );
    const [sleep] = await waitingUntil(app, await start(app, "sleep"), /sleeps/);
    assert.match(sleep?.sentence ?? "", /^The run sleeps until .+ \(in (59 minutes|1 hour).*\), for /);
  });

  test("is a place in a queue, and which", async () => {
    await using app = await startTestApp({ inlinePlugins: [plugin], queues: [{ name: "narrow", concurrency: 1, queuedMax: 10 }] });
    const queue = { queue: "narrow", key: "ada" };
    const principal = { id: "owner", tenant: "default", roles: ["owner"] };
    const [running, next, last] = [
      await app.app.engine.start("wait", null, { principal, queue }),
      await app.app.engine.start("wait", null, { principal, queue }),
      await app.app.engine.start("wait", null, { principal, queue }),
    ];
    await waitingUntil(app, running.runId, /the signal "go"/);
    const [first] = await waitingUntil(app, next.runId, /a place in the queue/);
    assert.match(
      first?.sentence ?? "",
      /waits for a place in the queue "narrow" for "ada" for .+, at place 1: it goes next, with priority 0\.$/,
    );
    const [second] = await waitingUntil(app, last.runId, /a place in the queue/);
    assert.match(second?.sentence ?? "", /, at place 2, with priority 0\.$/);
    await app.app.engine.cancel(running.runId, "enough", principal);
    await waitingUntil(app, next.runId, /the signal "go"/);
    const { totals } = await insightOf(app, next.runId);
    assert.ok(totals.queuedMs > 0 && totals.waitingMs >= 0);
  });

  test("is told as a sentence, for a child run down to what that one waits for", async () => {
    await using app = await startTestApp({ inlinePlugins: [plugin] });
    const [signal] = await waitingUntil(app, await start(app, "wait"), /the signal "go"/);
    assert.match(signal?.sentence ?? "", /^The run waits for the signal "go" for .+ \(since .+\), until .+ \(in .+\) at the latest\.$/);
    const id = await start(app, "wait for child");
    const [child] = await waitingUntil(app, id, /its child run .* the signal "go"/);
    assert.deepEqual([child?.type, child?.key, child?.name], ["child", "0", "wait"]);
  });

  test("is nothing once it has ended", async () => {
    await using app = await startTestApp({ inlinePlugins: [plugin] });
    const id = await ran(app, "echo");
    const { waiting } = await get<{ readonly waiting: readonly Waiting[] }>(app, `/v1/runs/${id}/waiting`);
    assert.deepEqual(
      waiting.map(({ sentence }) => sentence),
      ["The run has ended: it is completed."],
    );
  });
});

describe("the diff of two runs", () => {
  test("shows where they differ, and nothing between a run and itself", async () => {
    await using app = await startTestApp({ inlinePlugins: [plugin] });
    const [a, b] = [await ran(app, "echo", { text: "one" }), await ran(app, "echo", { text: "two" })];
    const { diff } = await get<{ readonly diff: RunDiff }>(app, `/v1/runs/${a}/diff/${b}`);
    assert.deepEqual(diff.input.differences, [{ path: "/text", a: "one", b: "two" }]);
    assert.deepEqual(
      diff.steps.map((step) => (step.type === "other-output" ? [step.key, step.output.differences] : step.type)),
      [["0", [{ path: "/said/text", a: "one", b: "two" }]]],
    );
    const { diff: none } = await get<{ readonly diff: RunDiff }>(app, `/v1/runs/${a}/diff/${a}`);
    assert.deepEqual([none.isSame, none.steps, none.timing], [true, [], []]);
  });
});

describe("a fork", () => {
  test("differs from its run only in what came of the edit, and what it copied took it no time", async () => {
    await using app = await startTestApp({ inlinePlugins: [plugin] });
    const principal = { id: "owner", tenant: "default", roles: ["owner"] };
    const a = await ran(app, "add", 1);
    const { runId: b } = await app.app.engine.fork(a, { beforeKey: "1", outputs: { "0": 5 } }, principal);
    await app.app.engine.result(b, new AbortController().signal);
    const { diff } = await get<{ readonly diff: RunDiff }>(app, `/v1/runs/${a}/diff/${b}`);
    assert.deepEqual([diff.b.forkOf, diff.firstKey, diff.counts.same, diff.input.differences], [a, "0", 1, []]);
    assert.deepEqual(diff.end.differences, [{ path: "/output", a: 2, b: 6 }]);
    const { steps } = await insightOf(app, b);
    assert.equal(steps[0]?.durationMs, 0);
    assert.equal((await get<{ readonly insight: WorkflowInsight }>(app, "/v1/workflows/add/insight")).insight.runs.forks, 1);
  });
});

describe("the insight of a workflow", () => {
  const insight = async (app: TestApp, path: string): Promise<WorkflowInsight> =>
    (await get<{ readonly insight: WorkflowInsight }>(app, path)).insight;

  test("says what makes it slow and what would help, with the runs it rests on", async () => {
    await using app = await startTestApp({ inlinePlugins: [plugin] });
    for (let run = 0; run < 3; run += 1) await ran(app, "narrow");
    const { runs, slow, help } = await insight(app, "/v1/workflows/narrow/insight");
    assert.deepEqual([runs.read, runs.completed], [3, 3]);
    const [step] = slow.filter(({ type }) => type === "step");
    assert.equal(step?.type === "step" && step.name, "item");
    const lanes = help.find(({ change }) => change.type === "more-lanes");
    assert.match(lanes?.title ?? "", /Run 4 branches at once instead of 2 at 0 \("item"\)/);
    assert.ok(
      lanes !== undefined && lanes.savedMs.low > 0 && lanes.savedMs.low <= lanes.savedMs.mean && lanes.savedMs.mean <= lanes.savedMs.high,
    );
    assert.deepEqual([lanes.runs, lanes.runsChanged], [3, 3]);
    assert.equal((await insight(app, "/v1/workflows/narrow/insight?runs=2")).runs.read, 2);
  });

  test("estimates what is asked for, and a factor of 1 saves nothing", async () => {
    await using app = await startTestApp({ inlinePlugins: [plugin] });
    await ran(app, "branched");
    const [nothing] = (await insight(app, "/v1/workflows/branched/insight?faster=long:1")).help;
    assert.deepEqual([nothing?.savedMs, nothing?.runsChanged], [{ mean: 0, low: 0, high: 0 }, 0]);
    const [much] = (await insight(app, "/v1/workflows/branched/insight?faster=long:2")).help;
    assert.equal(much?.title, 'Make the step "long" 2 times faster');
    assert.ok((much?.savedShare ?? 0) > 0);
  });

  test("counts failures, and says so when no run has completed", async () => {
    await using app = await startTestApp({ inlinePlugins: [plugin] });
    await ran(app, "broken");
    const { runs, steps, help } = await insight(app, "/v1/workflows/broken/insight");
    assert.deepEqual([runs.completed, runs.failed, steps[0]?.failureRate, help], [0, 1, 1, []]);
  });

  test("is refused with a reason when there is nothing to read or the question is malformed", async () => {
    await using app = await startTestApp({ inlinePlugins: [plugin] });
    await ran(app, "echo");
    for (const [path, status] of [
      ["/v1/workflows/unknown/insight", 404],
      ["/v1/workflows/echo/insight?runs=0", 400],
      ["/v1/workflows/echo/insight?runs=501", 400],
      ["/v1/workflows/echo/insight?faster=echo", 400],
      ["/v1/workflows/echo/insight?faster=echo:0", 400],
      ["/v1/runs/00000000-0000-7000-8000-000000000000/insight", 404],
      ["/v1/runs/00000000-0000-7000-8000-000000000000/waiting", 404],
    ] as const)
      assert.equal((await app.fetch(path)).status, status, path);
  });
});
