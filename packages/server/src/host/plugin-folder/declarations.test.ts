import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { defineWorkflow, type Json, type Plugin } from "@tutti/core";
import { z } from "zod";
import { entry, manifest, openDesk, type Desk } from "../../testing/plugin-desk.ts";

/** A workflow of the owner's, and what it was started with, one after the other. */
function notes(): { readonly plugin: Plugin; readonly next: () => Promise<Json> } {
  const come: Json[] = [];
  const waiting: ((input: Json) => void)[] = [];
  const noted = defineWorkflow<Json, Json>({
    name: "noted",
    version: "1",
    input: z.json(),
    run: (ctx, input) =>
      ctx.step("note", () => {
        const first = waiting.shift();
        if (first === undefined) come.push(input);
        else first(input);
        return null;
      }),
  });
  const next = (): Promise<Json> => {
    const first = come.shift();
    return first === undefined ? new Promise((resolve) => waiting.push(resolve)) : Promise.resolve(first);
  };
  return { plugin: { name: "noting", workflows: [noted] }, next };
}

const schedule = (more: object = {}): object => ({ name: "demo-ticks", workflow: "noted", input: "tick", when: { everyMs: 100 }, ...more });
const subscription = (more: object = {}): object => ({
  name: "demo-events",
  filter: { exact: { type: "demo.done" } },
  target: { type: "workflow", workflow: "noted", input: "data" },
  ...more,
});
const demo = (parts: { readonly schedules?: readonly object[]; readonly subscriptions?: readonly object[] }): Record<string, string> => ({
  "tutti.plugin.json": manifest(parts),
  "index.ts": entry(`async () => { await host.emit("done", { by: "demo" }); return 1; }`),
});

/** Names of all schedules and subscriptions there are. */
async function declared({ app }: Desk): Promise<readonly string[]> {
  const names: string[] = [];
  for (const what of ["schedules", "subscriptions"]) {
    const list = (await (await app.fetch(`/v1/${what}`)).json()) as Readonly<Record<string, readonly { readonly name: string }[]>>;
    names.push(...(list[what] ?? []).map(({ name }) => name));
  }
  return names;
}

test("a plugin's schedule ticks and its subscription is given events, in the plugin's name, until it is disabled", async () => {
  const { plugin, next } = notes();
  await using desk = await openDesk({ inlinePlugins: [plugin] });
  await desk.write("demo", demo({ schedules: [schedule()], subscriptions: [subscription()] }));
  const { wants } = (await desk.show("demo")) as unknown as { readonly wants: readonly string[] };
  assert.ok(wants.includes("start, at its times or for events, noted"), wants.join());
  assert.ok(wants.includes('be given the events that pass {"exact":{"type":"demo.done"}}'), wants.join());
  const enabled = await desk.enable("demo");
  assert.equal(enabled.status, 200, await enabled.text());
  assert.deepEqual([await next(), await next()], ["tick", "tick"]);
  assert.equal((await desk.call("say")).output, 1);
  let noted = await next();
  while (noted === "tick") noted = await next();
  assert.deepEqual(noted, { by: "demo" });
  const { runs } = (await (await desk.app.fetch("/v1/runs?workflow=noted")).json()) as {
    readonly runs: readonly { readonly principalId: string }[];
  };
  assert.deepEqual(new Set(runs.map(({ principalId }) => principalId)), new Set(["plugin:demo"]));

  assert.equal((await desk.app.fetch("/v1/plugins/demo/disable", {})).status, 200);
  assert.deepEqual(await declared(desk), []);
  const { store } = desk.app.app;
  assert.deepEqual(await store.runs({ workflow: "tutti.schedule", statuses: ["queued", "running", "waiting", "paused"], limit: 10 }), []);

  for (const _again of [1, 2]) assert.equal((await desk.enable("demo")).status, 200);
  assert.deepEqual(await declared(desk), ["demo-ticks", "demo-events"]);
});

test("a plugin's graph is started by its schedule; what its new version has no more ends, and what it has changed is changed", async () => {
  await using desk = await openDesk();
  const graph = { name: "demo-graph", nodes: { said: { type: "transform", value: "done" } }, output: "${ nodes.said.output }" };
  const ticking = schedule({ workflow: "demo-graph", input: null });
  const yearly = { cron: "0 0 1 1 *" };
  const write = (schedules: readonly object[]): Promise<void> =>
    desk.write("demo", {
      "tutti.plugin.json": manifest({ entry: undefined, permissions: {}, graphs: ["graph.json"], schedules }),
      "graph.json": JSON.stringify(graph),
    });
  const ended = Promise.withResolvers<void>();
  const { engine, store } = desk.app.app;
  using _heard = engine.subscribe(({ type, runId }) => {
    if (type !== "run.completed") return;
    void store.run(runId).then((run) => (run?.workflow === "demo-graph" ? ended.resolve() : undefined), ended.reject);
  });
  await write([ticking, { ...ticking, name: "demo-yearly", when: yearly }]);
  const enabled = await desk.enable("demo");
  assert.equal(enabled.status, 200, await enabled.text());
  await ended.promise;
  await write([{ ...ticking, when: yearly }]);
  assert.equal((await desk.show("demo")).status, "loaded");
  assert.deepEqual(await declared(desk), ["demo-ticks"]);
  // A schedule reads its mail in its own time.
  for (;;) {
    const { schedule: shown } = (await (await desk.app.fetch("/v1/schedules/demo-ticks")).json()) as {
      readonly schedule: { readonly when: object };
    };
    if ("cron" in shown.when) break;
  }
  await write([{ ...ticking, workflow: "noted" }]);
  assert.equal((await desk.show("demo")).status, "asks");
});

test("a plugin takes nobody's schedule or subscription, and nothing of it is left when it does not load", async () => {
  const { plugin } = notes();
  await using desk = await openDesk({ inlinePlugins: [plugin] });
  const { name, ...mine } = subscription() as { readonly name: string };
  assert.equal((await desk.app.fetch("/v1/subscriptions", { name, ...mine, target: { type: "pull" } })).status, 201);
  await desk.write("demo", demo({ schedules: [schedule()], subscriptions: [subscription()] }));
  const refused = await desk.enable("demo");
  assert.match(await refused.text(), /got \\"demo-events\\", which .* made; rename one of them/);
  assert.deepEqual(await declared(desk), ["demo-events"]);
  assert.equal((await desk.call("say")).error?.code, "not_found");
});

test("a plugin that is gone when Tutti starts again has left no schedule and no subscription", async () => {
  const { plugin } = notes();
  const dataDir = await mkdtemp(join(tmpdir(), "tutti-data-"));
  {
    await using desk = await openDesk({ dataDir, inlinePlugins: [plugin] });
    await desk.write("demo", demo({ schedules: [schedule({ when: { cron: "0 0 1 1 *" } })], subscriptions: [subscription()] }));
    assert.equal((await desk.enable("demo")).status, 200);
    assert.deepEqual(await declared(desk), ["demo-ticks", "demo-events"]);
  }
  await using again = await openDesk({ dataDir, inlinePlugins: [plugin] });
  assert.deepEqual(await declared(again), []);
  await again[Symbol.asyncDispose]();
  await rm(dataDir, { recursive: true, force: true });
});

test("a mistake in a schedule or a subscription is told with its line and column before anything is enabled", async () => {
  await using desk = await openDesk();
  const wrong = manifest({
    schedules: [schedule({ when: { cron: "every day" } })],
    subscriptions: [subscription({ target: { type: "email" } })],
  });
  await desk.write("demo", { "tutti.plugin.json": wrong, "index.ts": entry("() => 1") });
  const { status, problem } = await desk.show("demo");
  assert.equal(status, "failed");
  assert.match(String(problem), /schedules\[0\]\.when.*tutti\.plugin\.json:1:\d+/);
  assert.match(String(problem), /subscriptions\[0\]\.target.*tutti\.plugin\.json:1:\d+/);
});
