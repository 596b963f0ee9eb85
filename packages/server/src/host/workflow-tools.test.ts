import assert from "node:assert/strict";
import { test } from "node:test";
import { defineWorkflow, type AppError, type Event, type Json, type Plugin, type Workflow } from "@tutti/core";
import { z } from "zod";
import { startTestApp, type TestApp } from "../testing.ts";

const never = new AbortController().signal;
const principal = { id: "owner", tenant: "default", roles: ["owner"] };

const greet = defineWorkflow<{ name: string }, string>({
  name: "shop.greet",
  version: "1",
  description: "Greets somebody.",
  input: z.strictObject({ name: z.string() }),
  run: async (ctx, { name }) => ctx.step("greet", () => `Hello ${name}`),
});
const double = defineWorkflow<number, number>({ name: "double", version: "1", input: z.number(), run: async (_, value) => value * 2 });
const round = defineWorkflow<Json, Json>({
  name: "round",
  version: "1",
  input: z.json(),
  run: (ctx) => ctx.call("workflow_round", { input: 1 }),
});
const waiter = defineWorkflow<Json, Json>({
  name: "waiter",
  version: "1",
  input: z.json(),
  run: async (ctx) => (await ctx.waitFor("never")) ?? null,
});
const calls = defineWorkflow<{ tool: string; input: Json }, Json>({
  name: "calls",
  version: "1",
  input: z.object({ tool: z.string(), input: z.json() }),
  run: (ctx, { tool, input }) => ctx.call(tool, input),
});
const plugin: Plugin = {
  name: "shop",
  workflows: [greet, double, round, waiter, calls] as unknown as readonly Workflow[],
  agents: [
    {
      name: "ada",
      version: "1",
      description: "Counts.",
      instructions: "Count.",
      model: "default",
      tools: ["safe_calc"],
      routes: [
        { id: "calc", match: "(?P<all>.+)", tool: "safe_calc", input: { expression: "$all" }, reason: "it counts", answer: "$text" },
      ],
      limits: { stepsMax: 3, historyMessagesMax: 5 },
    },
  ],
};

const open = (toolsAllow: readonly string[]): Promise<TestApp> => startTestApp({ inlinePlugins: [plugin], toolsAllow });
const greetName = (app: TestApp): string => app.app.registry.tools.find(({ source }) => source === "workflow:shop.greet")?.name ?? "";

async function eventsOf(app: TestApp, runId: string): Promise<readonly Event[]> {
  return await app.app.store.read(runId, { afterSeq: 0, limit: 100 });
}

test("a workflow is a tool with the schema of its input, off until it is allowed, and its call is a child run", async () => {
  await using closed = await open([]);
  const name = greetName(closed);
  assert.match(name, /^workflow_shop_greet_[0-9a-f]{8}$/);
  const refused = await closed.fetch("/v1/tools/execute", { tool: name, input: { name: "Ada" } });
  assert.equal(refused.status, 403);
  await using app = await open([name]);
  const { tool } = (await (await app.fetch(`/v1/tools/${name}`)).json()) as { readonly tool: Readonly<Record<string, unknown>> };
  assert.deepEqual([tool["effect"], tool["source"], tool["isIdempotent"]], ["execute", "workflow:shop.greet", false]);
  assert.deepEqual((tool["parameters"] as { readonly required: unknown }).required, ["name"]);
  const done = await app.fetch("/v1/tools/execute", { tool: name, input: { name: "Ada" } });
  const { output, runId } = (await done.json()) as { readonly output: Json; readonly runId: string };
  assert.equal(output, "Hello Ada");
  const [child] = await app.app.store.runs({ workflow: "shop.greet", limit: 1 });
  const [started] = await eventsOf(app, child?.id ?? "");
  assert.ok(started?.type === "run.started");
  assert.deepEqual([started.parent?.runId, started.parent?.depth], [runId, 1]);
  assert.equal((await app.fetch("/v1/tools/execute", { tool: name, input: { name: 1 } })).status, 400);
});

test("a workflow that takes no object takes it under a name", async () => {
  await using app = await open(["workflow_double"]);
  const done = await app.fetch("/v1/tools/execute", { tool: "workflow_double", input: { input: 21 } });
  assert.equal(((await done.json()) as { readonly output: Json }).output, 42);
});

test("an agent is a tool that takes a message", async () => {
  await using app = await open(["workflow_ada"]);
  const done = await app.fetch("/v1/tools/execute", { tool: "workflow_ada", input: { message: "6*7" } });
  assert.equal(
    ((await done.json()) as { readonly output: { readonly reply: { readonly content: string } } }).output.reply.content,
    "6*7 = 42",
  );
});

test("workflows that call themselves as tools come to an end", async () => {
  await using app = await open(["workflow_round"]);
  const response = await app.fetch("/v1/tools/execute", { tool: "workflow_round", input: { input: 1 } });
  const { error } = (await response.json()) as { readonly error: { readonly code: string; readonly message: string } };
  assert.deepEqual([response.status, error.code], [413, "too_large"]);
  assert.equal((await app.app.store.runs({ workflow: "round", limit: 100 })).length, 8);
});

test("a child that a tool call started is cancelled with its parent", async () => {
  await using app = await open(["workflow_waiter"]);
  const { engine, store } = app.app;
  const began = Promise.withResolvers<string>();
  using _ = engine.subscribe((event) => {
    if (event.type === "run.started" && event.workflow === "waiter") began.resolve(event.runId);
  });
  const { runId } = await engine.start("calls", { tool: "workflow_waiter", input: { input: null } }, { principal });
  const child = await began.promise;
  await engine.cancel(runId, "enough", principal);
  for (const id of [child, runId]) await assert.rejects(engine.result(id, never), (error: AppError) => error.code === "cancelled");
  assert.equal((await store.runs({ workflow: "waiter", limit: 2 })).length, 1);
});

test("a tool call that is a workflow is replayed from its log", async () => {
  await using app = await open(["workflow_double"]);
  const { engine } = app.app;
  const { runId } = await engine.start("calls", { tool: "workflow_double", input: { input: 2 } }, { principal });
  assert.equal(await engine.result(runId, never), 4);
  assert.equal((await engine.replay(runId)).matches, true);
  assert.equal((await app.app.store.runs({ workflow: "double", limit: 10 })).length, 1);
});
