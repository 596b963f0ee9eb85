import assert from "node:assert/strict";
import { AppError, type Json, type Plugin, type Principal, type Schema, type Tool } from "@tutti/core";
import { readGraphRun, type GraphReading } from "@tutti/core/graph";
import { requireGraph } from "../engine/index.ts";
import type { TestApp } from "../testing.ts";

/** Who starts the runs. */
export const OWNER: Principal = { id: "owner", tenant: "default", roles: ["owner"] };
/** A run that takes longer hangs. */
const RUN_MS = 120_000;
const anything: Schema<Json> = { "~standard": { validate: (value: unknown) => ({ value }) } };

/** Tools that count, fail as often as they are told, and a workflow that does the same. */
export function counting(calls: string[]): Plugin {
  const left = new Map<string, number>();
  const attempt = ({
    id,
    fails = 0,
    code = "upstream",
  }: {
    readonly id: string;
    readonly fails?: number;
    readonly code?: string;
  }): Json => {
    calls.push(id);
    const done = left.get(id) ?? 0;
    left.set(id, done + 1);
    if (done < fails) throw AppError.revive(code, `${id} failed`);
    return { id, done };
  };
  const count: Tool = {
    name: "count",
    description: "Counts.",
    effect: "read",
    input: anything,
    parameters: { type: "object" },
    run: async (input) => attempt(input as { readonly id: string }),
  };
  return {
    name: "counting",
    tools: [count],
    workflows: [
      {
        name: "child",
        version: "1",
        input: anything,
        run: async (ctx, input) => ctx.step("count", () => attempt(input as { readonly id: string }), { attemptsMax: 1 }),
      },
    ],
    policies: [({ resource }) => (resource === "count" ? { effect: "allow", reason: "it only counts", rule: "test" } : undefined)],
  };
}

/** Starts a graph; its name is there already. */
export async function start(app: TestApp, text: string, input: Json = {}): Promise<string> {
  const graph = requireGraph(`name: test\n${text}`, "test.yaml");
  return (await app.app.engine.start("tutti.graph", { graph: graph as unknown as Json, input }, { principal: OWNER })).runId;
}

/** What came out of a run. */
export const result = (app: TestApp, runId: string): Promise<Json> => app.app.engine.result(runId, AbortSignal.timeout(RUN_MS));

/** Runs a graph to its end and replays it. */
export async function run(app: TestApp, text: string, input: Json = {}): Promise<Json> {
  const runId = await start(app, text, input);
  const output = await result(app, runId);
  assert.deepEqual(await app.app.engine.replay(runId).then(({ matches }) => matches), true);
  return output;
}

async function reading(app: TestApp, runId: string): Promise<GraphReading> {
  const found = readGraphRun(await app.app.store.read(runId, { afterSeq: 0, limit: 10_000 }));
  assert.ok(found !== undefined);
  return found;
}

/** Where each node stands. */
export async function statuses(app: TestApp, runId: string): Promise<Readonly<Record<string, string>>> {
  return Object.fromEntries((await reading(app, runId)).nodes.map(({ path, status }) => [path, status]));
}

/** Resolves once the log says what is wanted of the graph. */
export async function until(app: TestApp, runId: string, isThere: (graph: GraphReading) => boolean): Promise<GraphReading> {
  let changed = Promise.withResolvers<void>();
  using _ = app.app.engine.subscribe(() => changed.resolve());
  for (;;) {
    const now = await reading(app, runId);
    if (isThere(now)) return now;
    await changed.promise;
    changed = Promise.withResolvers();
  }
}

/** Whether a node stands somewhere, for `until`. */
export const isAt = (path: string, status: string) => (graph: GraphReading) =>
  graph.nodes.some((node) => node.path === path && node.status === status);
/** Sends a signal to a run. */
export function signal(app: TestApp, runId: string, sent: { readonly name: string; readonly value?: Json }): Promise<void> {
  return app.app.engine.signal(runId, { value: null, ...sent }, OWNER);
}
