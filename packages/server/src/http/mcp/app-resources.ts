import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { ResourceNotFoundError, type ReadResourceResult, type Resource, type ResourceTemplateType } from "@modelcontextprotocol/server";
import { AppError, type Action, type Json, type Principal, type RunRecord } from "@tutti/core";
import type { App } from "../../host/index.ts";
import { redactEvent, receiptOf } from "../routes/trust.ts";

const RUNS_LISTED = 50;
const DOCS_FOLDER = join(import.meta.dirname, "../../../../../docs");
const PAGE_NAME = /^[\w-]{1,64}$/;
const URI = /^tutti:\/\/(runs|agents|tools|docs)\/([\w.:-]{1,128})(?:\/(receipt|result))?$/;
const JSON_TYPE = "application/json";
const MARKDOWN = "text/markdown";

/** Patterns of what can be read. */
export const TEMPLATES: readonly ResourceTemplateType[] = [
  { name: "run", uriTemplate: "tutti://runs/{id}", title: "A run", description: "What a run is and where it stands.", mimeType: JSON_TYPE },
  {
    name: "run-result",
    uriTemplate: "tutti://runs/{id}/result",
    title: "A run's result",
    description: "What a run gave, once it has ended.",
    mimeType: JSON_TYPE,
  },
  {
    name: "run-receipt",
    uriTemplate: "tutti://runs/{id}/receipt",
    title: "A run's receipt",
    description: "All that a run did and why it might, redacted, with the verdict on its hash chain.",
    mimeType: JSON_TYPE,
  },
  {
    name: "agent",
    uriTemplate: "tutti://agents/{name}",
    title: "An agent",
    description: "What an agent is told and may use.",
    mimeType: JSON_TYPE,
  },
  {
    name: "docs",
    uriTemplate: "tutti://docs/{page}",
    title: "A page of the documentation",
    description: "How to use Tutti.",
    mimeType: MARKDOWN,
  },
];

/** Runs, agents and pages that a principal may read now. */
export async function listResources(app: App, principal: Principal): Promise<readonly Resource[]> {
  const runs = (await app.store.runs({ limit: RUNS_LISTED })).filter((run) => mayRead(app, principal, run));
  const agents = isAdmin(app, { principal, resource: "GET /v1/agents" }) ? app.registry.agents : [];
  return [
    ...runs.flatMap(({ id, workflow, status }) => [
      { uri: `tutti://runs/${id}`, name: `run ${id}`, description: `${workflow}, ${status}`, mimeType: JSON_TYPE },
      { uri: `tutti://runs/${id}/receipt`, name: `receipt of ${id}`, description: `what ${workflow} did`, mimeType: JSON_TYPE },
    ]),
    ...agents.map(({ name, description }) => ({ uri: `tutti://agents/${name}`, name, description, mimeType: JSON_TYPE })),
    ...(await docPages()).map((page) => ({ uri: `tutti://docs/${page}`, name: `docs: ${page}`, mimeType: MARKDOWN })),
  ];
}

/** Reads one. What is not there and what may not be read are the same to who asks. */
export async function readResource(app: App, uri: string, principal: Principal): Promise<ReadResourceResult> {
  const [, kind, name = "", part] = URI.exec(uri) ?? [];
  const text = (mimeType: string, content: string): ReadResourceResult => ({ contents: [{ uri, mimeType, text: content }] });
  const json = (value: unknown): ReadResourceResult => text(JSON_TYPE, JSON.stringify(value, null, 2));
  if (kind === "docs" && part === undefined && PAGE_NAME.test(name)) {
    const page = await readFile(join(DOCS_FOLDER, `${name}.md`), "utf8").catch(() => undefined);
    if (page !== undefined) return text(MARKDOWN, page);
  }
  if (kind === "agents" && part === undefined && isAdmin(app, { principal, resource: `GET /v1/agents/${name}` })) {
    const agent = app.registry.agent(name);
    if (agent !== undefined) return json(agent);
  }
  const run = kind === "runs" ? await app.store.run(name) : undefined;
  if (run !== undefined && mayRead(app, principal, run)) return json(await runPart(app, run, part));
  throw new ResourceNotFoundError(uri);
}

async function runPart(app: App, run: RunRecord, part: string | undefined): Promise<unknown> {
  if (part === undefined) return { run, waits: await app.store.waits({ runId: run.id, limit: 100 }) };
  if (part === "receipt") {
    const { events, verdict } = await receiptOf(app, run);
    return { run, verdict, events: events.map((event) => redactEvent(event as unknown as Json)) };
  }
  if (run.endedAt === null) return { status: run.status };
  return app.engine.result(run.id, AbortSignal.timeout(5_000)).then(
    (output) => ({ status: run.status, output }),
    (error: unknown) => ({ status: run.status, error: { code: AppError.from(error).code, message: AppError.from(error).message } }),
  );
}

/** Names that begin with what was typed. */
export async function completeResource(
  app: App,
  value: { readonly name: string; readonly typed: string },
  principal: Principal,
): Promise<readonly string[]> {
  const names =
    value.name === "id"
      ? (await app.store.runs({ limit: RUNS_LISTED })).filter((run) => mayRead(app, principal, run)).map(({ id }) => id)
      : value.name === "page"
        ? await docPages()
        : app.registry.agents.map(({ name }) => name);
  return names.filter((name) => name.startsWith(value.typed));
}

/** The owner of a log reads it; whoever began a run over MCP reads that run. */
function mayRead(app: App, principal: Principal, { id, principalId }: RunRecord): boolean {
  return isAdmin(app, { principal, resource: `GET /v1/runs/${id}`, input: { principalId } });
}

function isAdmin({ registry }: App, action: Omit<Action, "kind">): boolean {
  return registry.decide({ ...action, kind: "admin" }).effect === "allow";
}

async function docPages(): Promise<readonly string[]> {
  const files = await readdir(DOCS_FOLDER).catch(() => []);
  return files.filter((file) => file.endsWith(".md")).map((file) => file.slice(0, -".md".length));
}
