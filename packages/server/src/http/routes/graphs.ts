import { randomUUID } from "node:crypto";
import { AppError, type Json } from "@tutti/core";
import type { GraphProblem, PlacedProblem } from "@tutti/core/graph";
import { Hono } from "hono";
import { z } from "zod";
import {
  checkChangedTargets,
  checkGraph,
  GRAPH_WORKFLOW,
  graphJsonSchema,
  placeProblems,
  problemLine,
  readGraph,
  readPlaced,
  type KnownTargets,
  type PlacedText,
} from "../../engine/index.ts";
import type { App } from "../../host/index.ts";
import { readJson } from "../body.ts";
import type { HttpContext, HttpEnv } from "../env.ts";
import { operation } from "../openapi.ts";
import { amend, graphRun } from "./graph-runs.ts";
import { findRun } from "./run-queries.ts";
import { StartedRun } from "../shapes/runs.ts";
import { GraphAmended, GraphCheck, GraphRun } from "../shapes/graphs.ts";
import { anyObject } from "../shapes/values.ts";

const NAME = "graph";

const text = z.string().max(1_048_576);
const name = z.string().max(200).default(NAME);
const Check = z.strictObject({ text, name });
const Start = z.strictObject({
  text: text.optional(),
  name,
  graph: z.json().optional(),
  input: z.json().default({}),
  runId: z.uuid().optional(),
});
const Amend = z.strictObject({ text: text.optional(), name, graph: z.json().optional(), changes: z.array(z.json()).optional() });

/** Check and start graphs, look at their runs, and change them while they run. */
export function graphRoutes(app: App): Hono<HttpEnv> {
  const routes = new Hono<HttpEnv>();
  routes.get("/v1/graphs/schema", operation({ tag: "Runs", summary: "The graph format as JSON Schema", response: anyObject }), (ctx) =>
    ctx.json(graphJsonSchema()),
  );
  routes.post(
    "/v1/graphs/check",
    operation({
      tag: "Runs",
      summary: "Check a graph in YAML or JSON: everything that is wrong with it, each with its place",
      response: GraphCheck,
      body: Check,
    }),
    async (ctx) => {
      const reading = readGraph((await readJson(ctx, Check, app.config)).text, knownTargets(app));
      return ctx.json(reading.ok ? { ok: true, graph: reading.graph, problems: [] } : { ok: false, problems: reading.problems });
    },
  );
  routes.post(
    "/v1/graphs/runs",
    operation({
      tag: "Runs",
      summary: "Run a graph that comes with the request",
      body: Start,
      response: StartedRun,
      status: 201,
    }),
    async (ctx) => {
      const { input, runId, ...asked } = await readJson(ctx, Start, app.config);
      const source = sourceOf(asked, "graph");
      const { graph, problems } = checkGraph(source.value, knownTargets(app));
      if (problems.length > 0) return refuse(ctx, placed(problems, source), { name: asked.name, status: 400 });
      const options = {
        principal: ctx.get("principal"),
        ...(runId !== undefined && { runId }),
        ...(graph.limits && { limits: graph.limits }),
      };
      const started = await app.engine.start(GRAPH_WORKFLOW, { graph: graph as unknown as Json, input }, options);
      const run = await findRun(app, started.runId);
      return ctx.json({ run, url: new URL(`/v1/runs/${run.id}`, ctx.req.url).href }, 201);
    },
  );
  runningGraphRoutes(app, routes);
  return routes;
}

function runningGraphRoutes(app: App, routes: Hono<HttpEnv>): void {
  routes.get(
    "/v1/runs/:id/graph",
    operation({ tag: "Runs", summary: "A graph's run: the graph as it is now, and where each node stands", response: GraphRun }),
    async (ctx) => {
      const run = await findRun(app, ctx.req.param("id"));
      return ctx.json({ run, ...(await graphRun(app, run.id)) });
    },
  );
  routes.post(
    "/v1/runs/:id/graph",
    operation({
      tag: "Runs",
      summary: "Amend a running graph: with a new one, or with changes to nodes that have not begun",
      response: GraphAmended,
      body: Amend,
    }),
    async (ctx) => {
      const run = await findRun(app, ctx.req.param("id"));
      const asked = await readJson(ctx, Amend, app.config);
      const source = sourceOf(asked, asked.changes === undefined ? "graph" : "changes");
      if (run.endedAt !== null)
        throw new AppError("conflict", `wanted a running graph, got ${run.id}, which is ${run.status}; start a new run`);
      await graphRun(app, run.id);
      const { value, problems } = checkAmendment(source, app);
      if (problems.length > 0) return refuse(ctx, placed(problems, source), { name: asked.name, status: 400 });
      const verdict = await amend(app, { run, amendment: { id: randomUUID(), [source.kind]: value } }, ctx.get("principal"));
      if (verdict.isAccepted) return ctx.json(verdict.data);
      return refuse(ctx, placed(verdict.problems.map(withoutFirst), source), { name: asked.name, status: 409 });
    },
  );
}

/** What can be told before the run is asked: whether the graph is right, and whether what nodes ask for is installed. */
function checkAmendment({ kind, value }: Source, app: App): { readonly value: Json; readonly problems: readonly GraphProblem[] } {
  if (kind === "changes") return { value: value as Json, problems: checkChangedTargets(value, knownTargets(app)) };
  const { graph, problems } = checkGraph(value, knownTargets(app));
  return { value: graph as unknown as Json, problems };
}

/** What was sent: a graph, or changes to one, and the text they stand in, if any. */
interface Source {
  readonly kind: "graph" | "changes";
  readonly value: unknown;
  readonly text: PlacedText | undefined;
  /** Where in the text the value stands. */
  readonly at: readonly string[];
}

/** What was sent, read. */
export function sourceOf(asked: z.output<typeof Amend>, kind: "graph" | "changes"): Source {
  if (asked.text === undefined) {
    if (asked[kind] === undefined) throw new AppError("invalid_input", "wanted a graph as text or as graph, got neither; send one of them");
    return { kind, value: asked[kind], text: undefined, at: [] };
  }
  const read = readPlaced(asked.text);
  const [fault] = read.faults;
  if (fault !== undefined) throw new AppError("invalid_input", `${asked.name}:${fault.line}:${fault.column}: ${fault.message}`);
  const changes = typeof read.value === "object" && read.value !== null && "changes" in read.value ? read.value.changes : undefined;
  return changes === undefined
    ? { kind: "graph", value: read.value, text: read, at: [] }
    : { kind: "changes", value: changes, text: read, at: ["changes"] };
}

type Fault = GraphProblem | PlacedProblem;

/** Problems with their places, where there is a text to point into. */
export function placed(problems: readonly GraphProblem[], { text: read, at }: Source): readonly Fault[] {
  const inText = problems.map((problem) => ({ ...problem, path: [...at, ...problem.path] }));
  return read === undefined ? inText : placeProblems(inText, read);
}

/** The run tells where by what it was sent: its first part says which. */
function withoutFirst(problem: GraphProblem): GraphProblem {
  return { ...problem, path: problem.path.slice(1) };
}

/** The answer to a graph that is not right. */
export function refuse(
  ctx: HttpContext,
  problems: readonly Fault[],
  { name: from, status }: { readonly name: string; readonly status: 400 | 409 },
): Response {
  const message = problems
    .map((problem) => ("line" in problem ? problemLine(problem, from) : `${problem.path.join(".") || from}: ${problem.message}`))
    .join("\n");
  return ctx.json(
    { error: { message, type: "invalid_request_error", param: null, code: status === 400 ? "invalid_input" : "conflict" }, problems },
    status,
  );
}

/** What is installed, for graphs to be checked against. */
export function knownTargets({ registry, models }: App): KnownTargets {
  const agents = registry.agents.map((agent) => agent.name);
  const ids = [...registry.models.map(({ id }) => id), ...(models.defaultModel === undefined ? [] : [models.defaultModel])];
  return {
    tools: new Map(registry.tools.map((tool) => [tool.name, tool.parameters])),
    workflows: registry.workflows.map((workflow) => workflow.name),
    agents,
    models: ids,
    isModel: (id) => ids.includes(id) || models.router.knows(id),
  };
}
