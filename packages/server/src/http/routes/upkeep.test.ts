import assert from "node:assert/strict";
import { mkdtempDisposable, readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { gunzipSync } from "node:zlib";
import type { Event, Json } from "@tutti/core";
import { startTestApp } from "../../testing.ts";

const anything = { "~standard": { validate: (value: unknown) => ({ value }) } };
const never = new AbortController().signal;
const principal = { id: "owner", tenant: "default", roles: ["owner"] };
const LARGE = 100_000;

test("old runs are archived and removed with their large values; runs that go on, and what they refer to, stay", async () => {
  await using folder = await mkdtempDisposable(join(tmpdir(), "tutti-archive-"));
  const workflow = {
    name: "big",
    version: "1",
    input: anything,
    run: async (
      ctx: { step(name: string, action: () => string): Promise<string>; waitFor(name: string): Promise<Json | undefined> },
      input: Json,
    ) => {
      const made = await ctx.step("make", () => (input as string).repeat(LARGE));
      return input === "b" ? [made.length, (await ctx.waitFor("go")) ?? null] : made.length;
    },
  };
  await using app = await startTestApp({ archiveDir: folder.path, inlinePlugins: [{ name: "test", workflows: [workflow] }] });
  const { engine, store } = app.app;
  const ended = await engine.start("big", "a", { principal });
  await engine.result(ended.runId, never);
  const goingOn = await engine.start("big", "b", { principal });
  while ((await store.waits({ runId: goingOn.runId, limit: 1 })).length === 0) await new Promise((resolve) => setImmediate(resolve));
  const prune = async (body: Json): Promise<{ readonly runs: number; readonly values: number; readonly archive: string | null }> => {
    // What ended in this very millisecond is not over by it.
    for (const nowMs = Date.now(); Date.now() === nowMs;) await new Promise((resolve) => setImmediate(resolve));
    return (await (await app.fetch("/v1/prune", body)).json()) as Awaited<ReturnType<typeof prune>>;
  };
  assert.deepEqual(await prune({ days: 1 }), { runs: 0, values: 0, archive: null });
  assert.equal((await prune({ days: 0, dry: true })).runs, 1 + 1, "the run, and the request that was recorded");
  const { runs, archive } = await prune({ days: 0, archive: true });
  assert.equal(runs, 1 + 2, "the run, and the two requests that were recorded before");
  assert.equal(await store.run(ended.runId), undefined);
  const lines = gunzipSync(await readFile(String(archive)))
    .toString("utf8")
    .trim()
    .split("\n");
  const events = lines.map((line) => JSON.parse(line) as Event).filter(({ runId }) => runId === ended.runId);
  assert.equal(lines.filter((line) => line.startsWith('{"$blob"') && line.includes("aaaa")).length, 1, "the large value is there, once");
  assert.deepEqual([events[0]?.type, events.at(-1)?.type], ["run.started", "run.completed"]);
  await engine.signal(goingOn.runId, { name: "go", value: "on" }, principal);
  assert.deepEqual(await engine.result(goingOn.runId, never), [LARGE, "on"]);
  assert.equal((await engine.replay(goingOn.runId)).matches, true);
});
