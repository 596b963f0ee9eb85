import assert from "node:assert/strict";
import { test } from "node:test";
import { startTestApp } from "../../testing.ts";
import type { Json, RunContext } from "@tutti/core";

const anything = { "~standard": { validate: (value: unknown) => ({ value }) } };
const never = new AbortController().signal;
const principal = { id: "owner", tenant: "default", roles: ["owner"] };

test("runs that wait for an event of a type get it as a signal, once each, and others do not", async () => {
  const wait = async (ctx: RunContext): Promise<Json> => {
    const event = (await ctx.waitFor("event:order.paid")) as { readonly data: Json };
    return [event.data, (await ctx.waitFor("event:order.paid", { timeoutMs: 50 })) ?? "no second"];
  };
  const workflow = { name: "wait", version: "1", input: anything, run: wait };
  await using app = await startTestApp({ inlinePlugins: [{ name: "test", workflows: [workflow] }] });
  const { engine, store } = app.app;
  const runs = await Promise.all([1, 2].map(() => engine.start("wait", null, { principal })));
  while ((await store.waits({ kind: "signal", limit: 9 })).length < 2) await new Promise((resolve) => setImmediate(resolve));
  const event = { id: "1", source: "/shop", type: "order.paid", data: { order: 7 } };
  for (const body of [{ ...event, type: "order.sent", id: "0" }, event, event])
    assert.equal((await app.fetch("/v1/events", body)).status, 202);
  for (const { runId } of runs) assert.deepEqual(await engine.result(runId, never), [{ order: 7 }, "no second"]);
});
