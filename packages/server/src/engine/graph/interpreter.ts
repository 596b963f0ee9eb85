import { defineWorkflow, parse, type Json, type RunContext, type Schema, type Workflow } from "@tutti/core";
import { AMEND_SIGNAL, AMENDED_EVENT, AMENDMENT_REFUSED_EVENT, GRAPH_BOUNDS, GRAPH_STEP, type Graph } from "@tutti/core/graph";
import { judgeAmendment } from "./amendment.ts";
import { BodyRun } from "./body-run.ts";
import { checkGraph } from "./check.ts";
import type { GraphHost } from "./perform.ts";
import { schemaFor } from "./value-schema.ts";

/** The name under which graphs run that are installed under none. */
export const GRAPH_WORKFLOW = "tutti.graph";

/** Of the interpreter. Another one may ask for other steps, so runs stay with theirs. */
const INTERPRETER_VERSION = "1";

/** What a run of a graph is given: the graph itself, so that the run keeps to it, and the graph's input. */
type GraphInput = { readonly graph: Json; readonly input: Json };

/** The workflow that runs any graph: one interpreter for all of them, on every engine. */
export function graphInterpreter(host: GraphHost): Workflow {
  return defineWorkflow<GraphInput, Json>({
    name: GRAPH_WORKFLOW,
    version: INTERPRETER_VERSION,
    description: "A graph, given with its input",
    input: graphInput,
    run: (ctx, { graph, input }) => runGraph(ctx, { graph: graph as unknown as Graph, input }, host),
  }) as unknown as Workflow;
}

/** A graph as a workflow of its own name. A run writes down the graph first, and keeps to that when the file changes later. */
export function graphWorkflow(graph: Graph, host: GraphHost): Workflow {
  const workflow = defineWorkflow<Json, Json>({
    name: graph.name,
    version: graph.version,
    ...(graph.description !== undefined && { description: graph.description }),
    ...(graph.limits && { limits: limitsOf(graph.limits) }),
    input: graph.input === undefined ? { ...anything } : schemaFor(graph.input),
    async run(ctx, input) {
      const written = await ctx.step<Json>(GRAPH_STEP, () => graph as unknown as Json, { attemptsMax: 1 });
      return runGraph(ctx, { graph: written as unknown as Graph, input }, host);
    },
  });
  GRAPHS.set(workflow.input, graph);
  return workflow;
}

/** By the schema of its input: a workflow that is registered under another version is a copy with the same one. */
const GRAPHS = new WeakMap<Workflow["input"], Graph>();

/** The graph that a workflow runs; `undefined` when it is code. */
export function graphOf({ input }: Pick<Workflow, "input">): Graph | undefined {
  return GRAPHS.get(input);
}

const anything: Schema<Json> = { "~standard": { validate: (value: unknown) => ({ value }) } };

/** Checks the graph and its input when a run starts, so that a wrong one is refused and leaves no run. */
const graphInput: Schema<GraphInput> = {
  "~standard": {
    validate: async (value: unknown) => {
      const { graph: raw, input = null } = value as { readonly graph?: unknown; readonly input?: Json };
      const { graph, problems } = checkGraph(raw);
      if (problems.length > 0) return { issues: problems.map(({ path, message }) => ({ path: ["graph", ...path], message })) };
      if (graph.input !== undefined) await parse(schemaFor(graph.input), input, "the input");
      return { value: { graph: graph as unknown as Json, input } };
    },
  },
};

interface RunningGraph {
  graph: Graph;
  readonly nodes: BodyRun;
}

async function runGraph(
  ctx: RunContext,
  { graph, input }: { readonly graph: Graph; readonly input: Json },
  host: GraphHost,
): Promise<Json> {
  const variables = { input, run: { id: ctx.runId }, principal: { id: ctx.principal.id, tenant: ctx.principal.tenant } };
  const running: RunningGraph = { graph, nodes: new BodyRun({ body: graph, path: "", variables, host }) };
  ctx.onQuery("graph", () => ({ graph: running.graph as unknown as Json, nodes: running.nodes.statuses }));
  const { ids } = running.nodes;
  running.nodes.decideAll();
  await runNodes(ctx, running, ids);
  return running.nodes.output();
}

/** Runs nodes until the whole graph has ended, and listens for amendments meanwhile. */
async function runNodes(ctx: RunContext, running: RunningGraph, ids: readonly string[]): Promise<void> {
  const { nodes } = running;
  await ctx.race<void>([
    async (branch) => {
      await branch.all(ids.map((id) => (own) => nodes.runNode(own, id)));
      await nodes.finished;
    },
    (branch) => listen(branch, running),
  ]);
}

/** Takes amendments one after the other. Branches are fixed once they have begun, so added nodes get theirs inside this one, with a listener of their own. */
async function listen(ctx: RunContext, running: RunningGraph): Promise<void> {
  for (let count = 0; count < GRAPH_BOUNDS.amendmentsMax; count += 1) {
    const asked = (await ctx.waitFor(AMEND_SIGNAL, { isQuiet: true })) ?? null;
    const verdict = judgeAmendment(running.graph, asked, (id) => running.nodes.status(id) !== "pending");
    // Before the verdict is written down: a replay takes it over at the same place, which is where the signal was taken.
    const added = verdict.ok ? running.nodes.amend(verdict.graph) : [];
    if (verdict.ok) running.graph = verdict.graph;
    await ctx.emit(
      verdict.ok
        ? { name: AMENDED_EVENT, data: { id: verdict.id, ...verdict.difference } }
        : { name: AMENDMENT_REFUSED_EVENT, data: { id: verdict.id, problems: verdict.problems as unknown as Json } },
    );
    if (added.length > 0)
      return runNodes(
        ctx,
        running,
        running.nodes.ids.filter((id) => added.includes(id)),
      );
  }
  await running.nodes.finished;
}

function limitsOf({ timeMs, tokensMax, costUsdMax }: NonNullable<Graph["limits"]>): NonNullable<Graph["limits"]> {
  return {
    ...(timeMs !== undefined && { timeMs }),
    ...(tokensMax !== undefined && { tokensMax }),
    ...(costUsdMax !== undefined && { costUsdMax }),
  };
}
