import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { createClient, type Client } from "@tutti/client";
import { AppError, defineWorkflow, type EventBody, type EventDraft, type Json, type Plugin, type Schema } from "@tutti/core";
import { startTestApp, type TestApp } from "../../testing.ts";

const anything: Schema<Json> = { "~standard": { validate: (value: unknown) => ({ value }) } };
let isMended = false;
const fragile = defineWorkflow<Json, Json>({
  name: "fragile",
  version: "1",
  input: anything,
  async run(ctx, input) {
    return ctx.step("carry the vase", () => {
      if (!isMended) throw new AppError("too_large", "it fell");
      return input;
    });
  },
});
const waiting = defineWorkflow<Json, Json>({
  name: "waiting",
  version: "1",
  input: anything,
  run: async (ctx) => (await ctx.waitFor("go")) ?? null,
});
const parent = defineWorkflow<Json, Json>({
  name: "parent",
  version: "1",
  input: anything,
  run: async (ctx, input) => ctx.join(await ctx.spawn("waiting", input)),
});
const plugin: Plugin = { name: "run-lists-test", workflows: [fragile, waiting, parent] };

let app: TestApp;
let client: Client;

before(async () => {
  app = await startTestApp({ inlinePlugins: [plugin] });
  client = createClient({ baseUrl: app.url, token: app.token });
});

after(() => app[Symbol.asyncDispose]());

/** Resolves when a run stands as wanted. */
async function stands(runId: string, status: string): Promise<void> {
  for await (const _ of client.watchRun({ runId, afterSeq: 0 })) if ((await client.run(runId)).run.status === status) return;
  assert.equal((await client.run(runId)).run.status, status);
}

async function start(workflow: string, input: Json = null): Promise<string> {
  return (await client.startRun({ workflow, input })).run.id;
}

/** A run as if it had happened at a certain time. */
function run(
  runId: string,
  span: { readonly at: string; readonly endAt: string; readonly workflow?: string; readonly end?: EventBody },
): readonly EventDraft[] {
  const { at, endAt, workflow = "old", end = { type: "run.completed", output: null } } = span;
  const principal = { id: "ada", tenant: "default", roles: [] };
  return [
    { type: "run.started", workflow, version: "1", input: null, principal, runId, seq: 1, at },
    { ...end, runId, seq: 2, at: endAt },
  ];
}

const codeOf = (code: string) => (error: unknown) => error instanceof AppError && error.code === code;

describe("lists of runs", () => {
  test("runs are found by parent, workflows, principal and time", async () => {
    const topId = await start("parent", "x");
    const [child] = await eventually(
      () => client.runs({ parent: topId }),
      ({ runs }) => runs.length === 1,
    );
    assert.deepEqual([child?.workflow, child?.parentId], ["waiting", topId]);
    const top = await client.runs({ parent: "none", workflows: ["parent", "waiting"] });
    assert.deepEqual(
      top.runs.map(({ id }) => id),
      [topId],
    );
    const moment = (await client.run(topId)).run.startedAt;
    assert.ok((await client.runs({ since: moment, workflow: "parent" })).runs.some(({ id }) => id === topId));
    assert.deepEqual((await client.runs({ until: moment, workflow: "parent" })).runs, []);
    assert.ok((await client.runs({ principal: "owner" })).runs.length > 0);
    assert.deepEqual((await client.runs({ principal: "nobody" })).runs, []);
    await client.cancelRun(topId, "done");
  });

  test("a question that cannot be answered is refused with what is wanted", async () => {
    for (const query of ["status=happy", "since=yesterday", "sort=oldest", `q=${"x".repeat(201)}`, "q=x&before=7"]) {
      const response = await app.fetch(`/v1/runs?${query}`);
      assert.equal(response.status, 400, query);
      assert.match(await response.text(), /wanted/);
    }
  });

  test("a text is found in ids, inputs, outputs, errors and step names, whatever its case, and in nothing that only names a field", async () => {
    const runId = await start("fragile", { note: "Größe XL, sehr ZERBRECHLICH" });
    await stands(runId, "failed");
    for (const text of ["größe", "zerbrechlich", "CARRY THE VASE", "it fell", runId.slice(0, 20), "Fragile"])
      assert.ok(
        (await client.runs({ text })).runs.some(({ id }) => id === runId),
        text,
      );
    for (const text of ["step.failed", '"principal"', "policyHash"])
      assert.ok(!(await client.runs({ text })).runs.some(({ id }) => id === runId), text);
    assert.deepEqual((await client.runs({ text: "zerbrechlich", statuses: ["completed"] })).runs, []);
  });

  test("a search goes on where it ended, and tells each run once", async () => {
    const wanted = [];
    for (let index = 0; index < 5; index += 1) wanted.push(await start("waiting", { label: `needle-${index}` }));
    for (const id of wanted) await client.signalRun(id, { name: "go", value: "needle again" });
    for (const id of wanted) await stands(id, "completed");
    const told: string[] = [];
    let before: string | undefined;
    do {
      const page = await client.runs({ text: "needle", limit: 2, ...(before !== undefined && { before }) });
      told.push(...page.runs.map(({ id }) => id));
      before = page.nextBefore ?? undefined;
      assert.ok((page.scanned ?? 0) >= 0);
    } while (before !== undefined);
    assert.deepEqual(told.toSorted(), wanted.toSorted());
  });
});

describe("counts and activity", () => {
  test("runs are counted by status and workflow, with how long they took", async () => {
    const day = "2025-03-01T";
    await app.app.store.append([
      ...run("count-1", { at: `${day}00:00:00.000Z`, endAt: `${day}00:00:02.000Z` }),
      ...run("count-2", { at: `${day}00:00:10.000Z`, endAt: `${day}00:00:12.000Z` }),
      ...run("count-3", {
        at: `${day}00:00:20.000Z`,
        endAt: `${day}00:00:21.000Z`,
        end: { type: "run.failed", code: "timeout", message: "" },
      }),
    ]);
    const counts = await client.runCounts({ since: `${day}00:00:00Z`, until: `${day}01:00:00Z` });
    assert.deepEqual([counts.total, counts.isWhole, counts.byStatus.completed, counts.byStatus.failed], [3, true, 2, 1]);
    const hour = { since: `${day}00:00:00Z`, until: `${day}01:00:00Z` };
    assert.equal((await client.runCounts({ ...hour, workflows: ["old", "older"], principal: "ada" })).total, 3);
    assert.equal((await client.runCounts({ ...hour, workflows: ["older"] })).total, 0);
    assert.equal((await client.runCounts({ ...hour, principal: "owner" })).total, 0);
    const [old] = counts.byWorkflow;
    assert.deepEqual([old?.workflow, old?.total], ["old", 3]);
    assert.ok(Math.abs((old?.p50DurationMs ?? 0) - 2_000) <= 100);
  });

  test("activity has every bucket of its span, also those in which nothing happened", async () => {
    const day = "2025-04-01T";
    await app.app.store.append([
      ...run("activity-1", { at: `${day}00:00:30.000Z`, endAt: `${day}00:01:30.000Z` }),
      ...run("activity-2", { at: `${day}00:00:40.000Z`, endAt: `${day}00:03:10.000Z`, end: { type: "run.cancelled", reason: "" } }),
    ]);
    const { buckets, since, until } = await client.activity({ since: `${day}00:00:10Z`, until: `${day}00:03:30Z`, bucketSeconds: 60 });
    assert.deepEqual([since, until], [`${day}00:00:00.000Z`, `${day}00:04:00.000Z`]);
    assert.deepEqual(
      buckets.map(({ started, completed, cancelled }) => [started, completed, cancelled]),
      [
        [2, 0, 0],
        [0, 1, 0],
        [0, 0, 0],
        [0, 0, 1],
      ],
    );
    const [, second] = buckets;
    assert.ok(Math.abs((second?.p95DurationMs ?? 0) - 60_000) <= 3_000);
    assert.equal(buckets[2]?.p50DurationMs, null);
    await assert.rejects(client.activity({ since: "2020-01-01", bucketSeconds: 60 }), codeOf("invalid_input"));
  });

  test("activity has the tokens and dollars of runs and of the gateway, by minute", async () => {
    const at = "2025-05-01T10:00:30.000Z";
    const usage = { inputTokens: 100, outputTokens: 20, costUsd: 0.5 };
    const step = { key: "0", kind: "model", name: "m", attempt: 1, startedAt: at, durationMs: 1, output: null } as const;
    const principal = { id: "ada", tenant: "default", roles: [] };
    const exchange = { model: "m", provider: "p", surface: "chat/completions", usage: { inputTokens: 7, outputTokens: 3 }, costUsd: 0.25 };
    await app.app.store.append([
      { type: "run.started", workflow: "spender", version: "1", input: null, principal, runId: "spent-1", seq: 1, at },
      { type: "step.completed", ...step, usage, runId: "spent-1", seq: 2, at },
      { type: "step.completed", ...step, key: "1", usage, copied: true, runId: "spent-1", seq: 3, at },
      { type: "run.completed", output: null, usage, runId: "spent-1", seq: 4, at },
      {
        type: "run.recorded",
        workflow: "tutti.gateway",
        version: "1",
        action: { kind: "model.generate", principal, resource: "m" },
        decision: { effect: "allow", reason: "", rule: "test" },
        policyHash: "",
        key: "0",
        kind: "model",
        name: "m",
        attempt: 1,
        startedAt: at,
        durationMs: 1,
        outcome: { ok: true, output: { spend: exchange } },
        runId: "spent-2",
        seq: 1,
        at: "2025-05-01T10:01:00.000Z",
      },
    ]);
    const { buckets } = await client.activity({ since: "2025-05-01T10:00:00Z", until: "2025-05-01T10:02:00Z", bucketSeconds: 60 });
    assert.deepEqual(
      buckets.map(({ inputTokens, outputTokens, costUsd }) => [inputTokens, outputTokens, costUsd]),
      [
        [100, 20, 0.5],
        [7, 3, 0.25],
      ],
    );
  });
});

describe("many runs at once", () => {
  test("each is cancelled for itself; what cannot be says why", async () => {
    const ids = await Promise.all([start("waiting"), start("waiting")]);
    const { results } = await client.bulkRuns({ action: "cancel", ids: [...ids, "none"], reason: "enough" });
    assert.deepEqual(
      results.map(({ id, ok }) => [id, ok]),
      [
        [ids[0], true],
        [ids[1], true],
        ["none", false],
      ],
    );
    const [, , none] = results;
    assert.equal(none?.ok === false ? none.code : "", "not_found");
    for (const id of ids) await stands(id, "cancelled");
    assert.deepEqual((await client.run(ids[0] ?? "")).error, { code: "cancelled", message: "enough" });
    const again = await client.bulkRuns({ action: "cancel", filter: { workflows: ["waiting"], parent: "none" } });
    assert.deepEqual(again.results, []);
  });

  test("a schedule waits too, and is not cancelled with all that waits unless it is named", async () => {
    await client.createSchedule({ name: "yearly", workflow: "waiting", input: null, when: { everyMs: 366 * 86_400_000 } });
    const id = await start("waiting");
    const { results } = await client.bulkRuns({ action: "cancel", filter: { statuses: ["waiting"] } });
    assert.ok(results.some((result) => result.id === id && result.ok));
    assert.deepEqual(
      (await client.schedules()).map(({ name }) => name),
      ["yearly"],
    );
    await client.bulkRuns({ action: "cancel", filter: { workflows: ["tutti.schedule"] } });
    await eventually(
      async () => ({ runs: await client.schedules() }),
      ({ runs }) => runs.length === 0,
    );
  });

  test("failed runs are tried again before the step that failed, as runs of their own", async () => {
    const failed = await start("fragile", "a vase");
    await stands(failed, "failed");
    isMended = true;
    const { results } = await client.bulkRuns({ action: "retry", ids: [failed] });
    const [result] = results;
    assert.ok(result?.ok === true && result.newRunId !== undefined);
    await stands(result.newRunId, "completed");
    assert.equal((await client.run(result.newRunId)).output, "a vase");
  });

  test("neither ids nor a filter, or both, are refused", async () => {
    await assert.rejects(client.bulkRuns({ action: "cancel" }), codeOf("invalid_input"));
    await assert.rejects(client.bulkRuns({ action: "cancel", ids: ["x"], filter: {} }), codeOf("invalid_input"));
  });
});

describe("large values", () => {
  test("a value is read in parts that end between characters", async () => {
    const text = "größer 😀".repeat(20_000);
    const { $blob, sizeBytes } = await app.app.store.putBlob(text);
    let read = "";
    for (let offset: number | null = 0; offset !== null;) {
      const part = await client.blob($blob, { offset, limit: 7_777 });
      assert.equal(part.sizeBytes, sizeBytes);
      assert.ok(part.text.isWellFormed());
      read += part.text;
      offset = part.nextOffset;
    }
    assert.equal(read, text);
    for (const sha256 of ["0".repeat(64), "..%2f..%2ftutti.db", "x"]) await assert.rejects(client.blob(sha256), codeOf("not_found"));
  });
});

/** Asks until the answer is as wanted: a child run begins a moment after its parent. */
async function eventually<T extends { readonly runs: readonly unknown[] }>(
  ask: () => Promise<T>,
  isIt: (answer: T) => boolean,
): Promise<T["runs"]> {
  for (;;) {
    const answer = await ask();
    if (isIt(answer)) return answer.runs;
    await new Promise((resolve) => setImmediate(resolve));
  }
}
