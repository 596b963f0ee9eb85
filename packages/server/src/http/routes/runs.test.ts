import assert from "node:assert/strict";
import { DatabaseSync } from "node:sqlite";
import { join } from "node:path";
import { describe, test } from "node:test";
import type { ChainVerdict, Event, Json, Plugin, RunRecord, Schema } from "@tutti/core";
import { startTestApp, type TestApp } from "../../testing.ts";

const anything: Schema<Json> = { "~standard": { validate: (value: unknown) => ({ value }) } };

const plugin: Plugin = {
  name: "test",
  workflows: [
    { name: "add", version: "1", input: anything, run: async (ctx, input) => Number(await ctx.step("one", () => 1)) + Number(input) },
    {
      name: "wait",
      version: "1",
      input: anything,
      run: async (ctx) => [await ctx.step("before", () => "b"), (await ctx.waitFor("go")) ?? null],
    },
    {
      name: "secret",
      version: "1",
      input: anything,
      run: (ctx) => ctx.step("leak", () => ({ password: "hunter2hunter2", text: "mail ada@example.org, key sk-abcdefghijklmnopqrstuv" })),
    },
  ],
};

const json = async <T>(response: Promise<Response>): Promise<T> => (await response).json() as Promise<T>;
const start = async (app: TestApp, workflow: string, input: Json = null): Promise<RunRecord> =>
  (await json<{ readonly run: RunRecord }>(app.fetch("/v1/runs", { workflow, input }))).run;

interface Details {
  readonly run: RunRecord;
  readonly output?: Json;
  readonly waitingFor: readonly { readonly kind: string; readonly name: string }[];
}

async function until(app: TestApp, id: string, status: string): Promise<Details> {
  for (;;) {
    const details = await json<Details>(app.fetch(`/v1/runs/${id}`));
    if (details.run.status === status) return details;
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

/** The ids and types of a stream of server-sent events, read to its end or until `count` came. */
async function sse(
  app: TestApp,
  id: string,
  options: { readonly lastEventId?: string; readonly count?: number } = {},
): Promise<readonly string[]> {
  const headers = {
    authorization: `Bearer ${app.token}`,
    accept: "text/event-stream",
    ...(options.lastEventId !== undefined && { "last-event-id": options.lastEventId }),
  };
  const response = await fetch(`${app.url}/v1/runs/${id}/events`, { headers });
  let text = "";
  const seen = (): readonly string[] => [...text.matchAll(/event: (\S+)\nid: (\d+)\n/g)].map(([, type, seq]) => `${seq} ${type}`);
  for await (const chunk of response.body ?? []) {
    text += Buffer.from(chunk).toString();
    if (seen().length >= (options.count ?? Infinity)) break;
  }
  return seen();
}

describe("runs over HTTP", () => {
  test("a run is started, found, listed, replayed and followed to its end", async () => {
    await using app = await startTestApp({ inlinePlugins: [plugin] });
    const created = await app.fetch("/v1/runs", { workflow: "add", input: 41 });
    assert.equal(created.status, 201);
    const { run, url } = (await created.json()) as { readonly run: RunRecord; readonly url: string };
    assert.equal(url, `${app.url}/v1/runs/${run.id}`);
    assert.deepEqual((await until(app, run.id, "completed")).output, 42);
    assert.deepEqual(await sse(app, run.id), ["1 run.started", "2 policy.decided", "3 step.completed", "4 run.completed"]);
    assert.deepEqual(await json(app.fetch(`/v1/runs/${run.id}/replay`, {})), { matches: true, steps: 1, output: 42 });
    await start(app, "add", 1);
    const page = await json<{ readonly runs: readonly RunRecord[]; readonly nextBefore: string | null }>(app.fetch("/v1/runs?limit=1"));
    assert.equal(
      (await json<{ readonly runs: readonly RunRecord[] }>(app.fetch(`/v1/runs?limit=1&before=${page.nextBefore}`))).runs[0]?.id,
      run.id,
    );
  });

  test("a follower that comes back with Last-Event-ID misses nothing and sees nothing twice", async () => {
    await using app = await startTestApp({ inlinePlugins: [plugin] });
    const { id } = await start(app, "wait");
    const before = await sse(app, id, { count: 4 });
    assert.deepEqual(before, ["1 run.started", "2 policy.decided", "3 step.completed", "4 step.waiting"]);
    const rest = sse(app, id, { lastEventId: "4" });
    assert.deepEqual(
      (await until(app, id, "waiting")).waitingFor.map(({ kind, name }) => [kind, name]),
      [["signal", "go"]],
    );
    assert.equal((await app.fetch(`/v1/runs/${id}/signals/go`, { value: { on: true } })).status, 202);
    assert.deepEqual(await rest, ["5 policy.decided", "6 signal.received", "7 step.completed", "8 run.completed"]);
    assert.deepEqual(await sse(app, id, { lastEventId: "8" }), []);
    assert.equal((await app.fetch(`/v1/runs/${id}/signals/go`, { value: 1 })).status, 409);
  });

  test("a waiting run is cancelled with its reason in the log", async () => {
    await using app = await startTestApp({ inlinePlugins: [plugin] });
    const { id } = await start(app, "wait");
    assert.equal((await app.fetch(`/v1/runs/${id}/cancel`, { reason: "changed my mind" })).status, 202);
    await until(app, id, "cancelled");
    const { events } = await json<{ readonly events: readonly Event[] }>(app.fetch(`/v1/runs/${id}/events`));
    assert.deepEqual(
      events.slice(-2).map((event) => ("reason" in event ? [event.type, event.reason] : [])),
      [
        ["cancel.requested", "changed my mind"],
        ["run.cancelled", "changed my mind"],
      ],
    );
    assert.equal((await app.fetch(`/v1/runs/${id}/cancel`, {})).status, 409);
  });
});

describe("receipts", () => {
  test("a receipt is redacted unless asked for in full, and verifies", async () => {
    await using app = await startTestApp({ inlinePlugins: [plugin] });
    const { id } = await start(app, "secret");
    await until(app, id, "completed");
    const shown = await (await app.fetch(`/v1/runs/${id}/receipt`)).text();
    for (const secret of ["hunter2", "ada@example.org", "sk-abcdef"]) assert.ok(!shown.includes(secret), secret);
    const full = await json<{ readonly events: readonly Event[]; readonly verdict: ChainVerdict }>(
      app.fetch(`/v1/runs/${id}/receipt?full=true`),
    );
    assert.ok(JSON.stringify(full.events).includes("hunter2"));
    assert.equal(full.verdict.valid, true);
    for (const path of [`/v1/trust/trace/${id}`, "/v1/trust/events"])
      assert.ok(!(await (await app.fetch(path)).text()).includes("hunter2"), path);
  });

  const tampering: readonly (readonly [string, string, number])[] = [
    ["changed", `UPDATE events SET body = replace(body, '"output":1', '"output":9') WHERE seq = 3`, 3],
    ["removed", "DELETE FROM events WHERE seq = 3", 3],
    [
      "reordered",
      "UPDATE events SET seq = CASE seq WHEN 2 THEN -3 ELSE -2 END WHERE seq IN (2, 3); UPDATE events SET seq = -seq WHERE seq < 0",
      2,
    ],
    ["cut off at the end", "DELETE FROM events WHERE seq = 4", 4],
    ["hashed anew after a change", `UPDATE events SET hash = '${"0".repeat(64)}' WHERE seq = 2`, 2],
  ];
  for (const [what, sql, atSeq] of tampering) {
    test(`a log that was ${what} is found, at its place`, async () => {
      await using app = await startTestApp({ inlinePlugins: [plugin] });
      const { id } = await start(app, "add", 1);
      await until(app, id, "completed");
      const db = new DatabaseSync(join(app.dataDir, "tutti.db"));
      db.exec(sql);
      db.close();
      const verdict = await json<ChainVerdict>(app.fetch(`/v1/trust/verify/${id}`));
      assert.ok(!verdict.valid);
      assert.equal(verdict.atSeq, atSeq);
    });
  }
});
