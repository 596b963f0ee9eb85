import { AppError, type Json } from "@tutti/core";
import { differenceOf } from "@tutti/core/graph";
import { Hono } from "hono";
import { z } from "zod";
import { checkGraph } from "../../engine/index.ts";
import { SavedGraphs, type App, type SavedGraph } from "../../host/index.ts";
import { readJson } from "../body.ts";
import type { HttpContext, HttpEnv } from "../env.ts";
import { operation } from "../openapi.ts";
import { GraphDifference, GraphSaved, GraphVersion, SavedGraphShape } from "../shapes/saved-graphs.ts";
import { StartedRun } from "../shapes/runs.ts";
import { knownTargets, placed, refuse, sourceOf } from "./graphs.ts";
import { findRun, wholeNumber } from "./run-queries.ts";

const VERSION_MAX = 1_000_000;
const Save = z.strictObject({
  text: z.string().max(1_048_576).optional(),
  graph: z.json().optional(),
  message: z.string().max(2000).default(""),
  ifVersion: z.int().min(0).optional(),
});
const Start = z.strictObject({ input: z.json().default({}), version: z.int().min(1).optional(), runId: z.uuid().optional() });

/** Graphs that are kept under a name: all versions of them, what two differ in, and runs of them. */
export function savedGraphRoutes(app: App): Hono<HttpEnv> {
  const { savedGraphs } = app;
  const routes = new Hono<HttpEnv>();
  routes.get(
    "/v1/graphs",
    operation({
      tag: "Graphs",
      summary: "All saved graphs, as of their newest versions",
      response: z.object({ graphs: z.array(GraphVersion) }),
    }),
    async (ctx) => ctx.json({ graphs: await savedGraphs.list() }),
  );
  routes.get("/v1/graphs/:name", operation({ tag: "Graphs", summary: "A saved graph", response: SavedGraphShape }), async (ctx) =>
    ctx.json(await savedGraphs.get(ctx.req.param("name"))),
  );
  routes.get(
    "/v1/graphs/:name/versions",
    operation({
      tag: "Graphs",
      summary: "All versions of a saved graph, newest first",
      response: z.object({ versions: z.array(GraphVersion) }),
    }),
    async (ctx) => ctx.json({ versions: await savedGraphs.versions(ctx.req.param("name")) }),
  );
  routes.get(
    "/v1/graphs/:name/versions/:version",
    operation({ tag: "Graphs", summary: "A saved graph as of one version", response: SavedGraphShape }),
    async (ctx) => ctx.json(await savedGraphs.get(ctx.req.param("name"), versionOf(ctx.req.param("version")))),
  );
  routes.get(
    "/v1/graphs/:name/diff",
    operation({
      tag: "Graphs",
      summary: "What two versions of a saved graph differ in",
      query: { from: "a version; the one before `to` unless given", to: "a version; the newest unless given" },
      response: GraphDifference,
    }),
    async (ctx) => ctx.json(await difference(app, ctx)),
  );
  addChanges(routes, app);
  return routes;
}

function addChanges(routes: Hono<HttpEnv>, app: App): void {
  const { savedGraphs } = app;
  routes.put(
    "/v1/graphs/:name",
    operation({
      tag: "Graphs",
      summary: "Save a graph as the next version; refused with every problem and its place when it is not right",
      body: Save,
      response: GraphSaved,
    }),
    async (ctx) => {
      const name = ctx.req.param("name");
      const { message, ifVersion, ...asked } = await readJson(ctx, Save, app.config);
      const source = sourceOf({ ...asked, name }, "graph");
      const { graph, problems } = checkGraph(source.value, knownTargets(app));
      if (problems.length > 0) return refuse(ctx, placed(problems, source), { name, status: 400 });
      return ctx.json(await savedGraphs.save({ name, graph, text: asked.text, message, ifVersion }, ctx.get("principal")));
    },
  );
  routes.delete(
    "/v1/graphs/:name",
    operation({
      tag: "Graphs",
      summary: "Give the name of a saved graph up; its runs go on, its versions stay in the log",
      query: { ifVersion: "only if this is the newest version" },
      status: 204,
    }),
    async (ctx) => {
      const ifVersion = ctx.req.query("ifVersion");
      await savedGraphs.delete(ctx.req.param("name"), ifVersion === undefined ? undefined : versionOf(ifVersion), ctx.get("principal"));
      return ctx.body(null, 204);
    },
  );
  routes.post(
    "/v1/graphs/:name/runs",
    operation({ tag: "Graphs", summary: "Run a saved graph", body: Start, response: StartedRun, status: 201 }),
    async (ctx) => {
      const { input, version, runId } = await readJson(ctx, Start, app.config);
      const saved = await savedGraphs.get(ctx.req.param("name"), version);
      const options = {
        principal: ctx.get("principal"),
        version: SavedGraphs.workflowVersion(saved),
        ...(runId !== undefined && { runId }),
      };
      const started = await app.engine.start(saved.name, input, options);
      const run = await findRun(app, started.runId);
      return ctx.json({ run, url: new URL(`/v1/runs/${run.id}`, ctx.req.url).href }, 201);
    },
  );
}

async function difference({ savedGraphs }: App, ctx: HttpContext): Promise<z.output<typeof GraphDifference>> {
  const name = ctx.req.param("name") ?? "";
  const newest = await savedGraphs.get(name);
  const to = wholeNumber(ctx, "to", { min: 1, max: VERSION_MAX, fallback: newest.version });
  const from = wholeNumber(ctx, "from", { min: 1, max: VERSION_MAX, fallback: Math.max(1, to - 1) });
  const [before, after] = [await savedGraphs.get(name, from), await savedGraphs.get(name, to)];
  const changes = differenceOf(before.graph, after.graph);
  const touched = [...changes.added, ...changes.removed, ...changes.replaced];
  const nodes = touched.map((id) => [id, { before: nodeOf(before, id), after: nodeOf(after, id) }] as const);
  return { from, to, ...mutable(changes), nodes: Object.fromEntries(nodes) };
}

function mutable({ added, removed, replaced, connected, disconnected, fields }: ReturnType<typeof differenceOf>) {
  const edges = { connected: [...connected], disconnected: [...disconnected] };
  return { added: [...added], removed: [...removed], replaced: [...replaced], ...edges, fields: [...fields] };
}

function nodeOf({ graph }: SavedGraph, id: string): Json {
  return Object.hasOwn(graph.nodes, id) ? (graph.nodes[id] as unknown as Json) : null;
}

function versionOf(text: string): number {
  if (/^\d{1,6}$/.test(text)) return Number(text);
  throw new AppError("invalid_input", `wanted a version as a whole number, got "${text.slice(0, 40)}"`);
}
