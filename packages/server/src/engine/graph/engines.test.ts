import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, test } from "node:test";
import type { Json } from "@tutti/core";
import { readGraphRun, type GraphReading } from "@tutti/core/graph";
import { SqliteStore } from "../../store/index.ts";
import { counting } from "../../testing/graph-runs.ts";
import { never, owner, type EngineUnderTest, type Setup } from "../conformance/setup.ts";
import type { EngineParts } from "../effects.ts";
import { EmbeddedEngine } from "../index.ts";
import { startRestate, type RestateServer } from "../restate/local-server.ts";
import { RestateEngine } from "../restate/restate-engine.ts";
import { graphInterpreter, requireGraph } from "./index.ts";

let restate: RestateServer;
let folder: string;
let opened = 0;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "tutti-graph-engines-"));
  restate = await startRestate(folder);
});

after(async () => {
  await restate.stop();
  await rm(folder, { recursive: true });
});

const ENGINES = ["embedded", "Restate"] as const;

function setup(): Setup {
  const { tools = [], workflows = [] } = counting([]);
  return { tools, workflows: [...workflows, graphInterpreter({ findModel: () => undefined })] };
}

async function open(name: (typeof ENGINES)[number], dataDir?: string, service = `graphs-${(opened += 1)}`): Promise<EngineUnderTest> {
  const data = dataDir ?? (await mkdtemp(join(folder, "data-")));
  const { tools = [], workflows } = setup();
  const store = await SqliteStore.open(data);
  const parts: EngineParts = {
    workflow: (wanted) => workflows.find((workflow) => workflow.name === wanted),
    tool: (wanted) => tools.find((tool) => tool.name === wanted),
    model: () => undefined,
    decide: () => ({ effect: "allow", reason: "a test", rule: "test" }),
    policyHash: () => "0".repeat(64),
  };
  const common = { store, runsActiveMax: 100, queues: [], parts };
  const endpoint = { host: "127.0.0.1", port: 0, identityKeys: [restate.identityKey], log: () => undefined };
  const engine =
    name === "embedded"
      ? new EmbeddedEngine(common)
      : await RestateEngine.open({ ...common, restate: { ...restate.address, service }, endpoint });
  if (dataDir !== undefined) await engine.recover();
  const close = async (): Promise<void> => {
    await engine.stop(1000);
    await store.close();
  };
  return {
    engine,
    events: (runId) => store.read(runId, { afterSeq: 0, limit: 1000 }),
    waits: (runId) => store.waits({ runId, limit: 1000 }),
    reopen: async () => {
      await close();
      return open(name, data, service);
    },
    [Symbol.asyncDispose]: close,
  };
}

async function start({ engine }: EngineUnderTest, text: string, input: Json = {}): Promise<string> {
  const graph = requireGraph(`name: test\n${text}`, "test.yaml") as unknown as Json;
  return (await engine.start("tutti.graph", { graph, input }, { principal: owner })).runId;
}

/** Resolves once the run's log says what is wanted; Restate's copy of it comes a moment later. */
async function until(under: EngineUnderTest, runId: string, isThere: (graph: GraphReading) => boolean): Promise<GraphReading> {
  for (;;) {
    const reading = readGraphRun(await under.events(runId));
    if (reading !== undefined && isThere(reading)) return reading;
    const came = Promise.withResolvers<void>();
    using _ = under.engine.subscribe(() => came.resolve());
    const timer = setTimeout(came.resolve, 20);
    await came.promise;
    clearTimeout(timer);
  }
}

const statuses = ({ nodes }: GraphReading): string =>
  nodes
    .map(({ path, status }) => `${path} ${status}`)
    .toSorted()
    .join(", ");
const waits = (path: string) => (graph: GraphReading) => graph.nodes.some((node) => node.path === path && node.status === "waiting");

const BUSY = `
nodes:
  a: { type: tool, tool: count, input: { id: a, fails: 1 }, retry: { attemptsMax: 2, delayMs: 1 } }
  each: { type: map, items: [1, 2, 3, 4], concurrency: 2, do: { nodes: { t: { type: tool, tool: count, input: { id: "t\${ item }" } }, x: { type: transform, value: "\${ nodes.t.output.id }" } }, edges: [{ from: t, to: x }] } }
  loop: { type: loop, while: "\${ iteration < 3 }", timesMax: 5, do: { nodes: { w: { type: wait, ms: 1 }, n: { type: transform, value: "\${ iteration }" } }, edges: [{ from: w, to: n }], output: "\${ nodes.n.output }" } }
  bad: { type: tool, tool: count, input: { id: bad, fails: 9, code: denied } }
  caught: { type: transform, value: "\${ nodes.bad.error.code }" }
  fast: { type: wait, ms: 1 }
  slow: { type: wait, signal: never }
  first: { type: transform, join: any, value: "\${ nodes.slow.status }" }
  child: { type: workflow, workflow: child, input: { id: child } }
  end: { type: transform, join: all, value: ["\${ nodes.a.output.done }", "\${ nodes.each.output }", "\${ nodes.loop.output }", "\${ nodes.caught.output }", "\${ nodes.first.output }", "\${ nodes.child.output.id }"] }
edges:
  - { from: a, to: end }
  - { from: each, to: end }
  - { from: loop, to: end }
  - { from: bad, to: caught, on: error }
  - { from: caught, to: end }
  - { from: fast, to: first }
  - { from: slow, to: first }
  - { from: first, to: end }
  - { from: child, to: end }
`;

for (const name of ENGINES)
  describe(`a graph on the ${name} engine`, () => {
    test("comes out the same with branches, losers, retries, loops and caught errors, and so does its replay", async () => {
      await using under = await open(name);
      const runId = await start(under, BUSY);
      assert.deepEqual(await under.engine.result(runId, never), [1, ["t1", "t2", "t3", "t4"], 2, "denied", "cancelled", "child"]);
      const { nodes } = await until(under, runId, ({ nodes: all }) => all.every(({ status }) => status !== "pending"));
      assert.equal(nodes.find(({ path }) => path === "slow")?.status, "cancelled");
      assert.equal((await under.engine.replay(runId)).matches, true);
    });

    test("takes amendments, refuses what touches the past, and goes on after a restart", async () => {
      let under = await open(name);
      const runId = await start(
        under,
        `nodes: { gate: { type: wait, signal: go }, old: { type: transform, value: old } }\nedges: [{ from: gate, to: old }]`,
      );
      await until(under, runId, waits("gate"));
      const amend = (id: string, changes: Json): Promise<GraphReading> =>
        under.engine
          .signal(runId, { name: "tutti.graph.amend", value: { id, changes } }, owner)
          .then(() => until(under, runId, ({ amendments }) => amendments.some((amendment) => amendment.id === id)));
      await amend("1", [
        { do: "add", id: "new", node: { type: "tool", tool: "count", input: { id: "new" } } },
        { do: "connect", edge: { from: "gate", to: "new" } },
      ]);
      assert.equal((await amend("2", [{ do: "remove", id: "gate" }])).amendments.at(-1)?.isAccepted, false);
      under = await under.reopen(setup());
      await using _ = under;
      await amend("3", [
        { do: "add", id: "last", node: { type: "transform", value: "after ${ nodes.new.output.id }" } },
        { do: "connect", edge: { from: "new", to: "last" } },
        { do: "remove", id: "old" },
      ]);
      await under.engine.signal(runId, { name: "go", value: null }, owner);
      assert.equal(await under.engine.result(runId, never), "after new");
      assert.equal(
        statuses(await until(under, runId, ({ nodes }) => nodes.every(({ status }) => status === "completed"))),
        "gate completed, last completed, new completed",
      );
      assert.equal((await under.engine.replay(runId)).matches, true);
    });

    test("waits for answers, and ends what is under way when a node fails", async () => {
      await using under = await open(name);
      const runId = await start(
        under,
        `nodes: { ask: { type: approval, question: "Well?" }, no: { type: fail, code: denied, message: "\${ nodes.ask.output.reason }" }, never: { type: wait, signal: never } }\nedges: [{ from: ask, to: no, case: refused }]`,
      );
      const { nodes } = await until(under, runId, (graph) => waits("ask")(graph) && waits("never")(graph));
      const key = nodes.find(({ path }) => path === "ask")?.waitingFor?.key ?? "";
      await under.engine.answer(runId, { key, approved: false, reason: "because" }, owner);
      await assert.rejects(under.engine.result(runId, never), { code: "denied", message: "because" });
      assert.equal(
        statuses(await until(under, runId, ({ nodes: all }) => all.every(({ status }) => status !== "waiting"))),
        "ask completed, never cancelled, no failed",
      );
    });
  });
