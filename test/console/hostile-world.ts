/** A Tutti in which everybody else means no good: every name, text, value and address that the console shows is one of theirs. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { createClient, type Client } from "@tutti/client";
import { AppError, defineWorkflow, type AgentSpec, type Json, type Plugin, type Schema, type Tool } from "@tutti/core";
import type { Panel } from "@tutti/core/plugin";
import type { TestApp } from "tutti/testing";
import { hostileAddresses, hostileLine, hostileObject, hostileText } from "./hostile-texts.ts";

const anything: Schema<Json> = { "~standard": { validate: (value: unknown) => ({ value: value as Json }) } };
const objectOf = (place: string): Json => hostileObject(place) as Json;
/** No run of theirs takes as long, however busy the machine is. */
const PATIENCE_MS = 120_000;
const HOSTILE_MCP = join(import.meta.dirname, "hostile-mcp.ts");
const EVERYTHING_OPEN: Json = { type: "object", description: hostileText("schema") };

/** Does all that a run can do, with their texts. */
const evil = defineWorkflow<Json, Json>({
  name: "evil",
  version: hostileLine("version"),
  description: hostileText("workflow"),
  input: anything,
  async run(ctx) {
    await ctx.step(hostileLine("step"), () => objectOf("output"));
    await ctx.call("mail", objectOf("tool-input"));
    await ctx.start(hostileLine("workflow-name"), objectOf("child-input"));
    await ctx.emit({ name: hostileLine("event-name"), data: objectOf("event"), key: hostileLine("event-key") });
    await ctx.step(
      hostileLine("failing-step"),
      ({ attempt }) => {
        if (attempt === 1) throw new AppError("upstream", hostileText("step-error"));
        return hostileAddresses("addresses").slice();
      },
      { backoff: { delayMs: 1, delayMaxMs: 1 } },
    );
    return { text: hostileText("result"), object: objectOf("result-object"), addresses: hostileAddresses("result-addresses").slice() };
  },
});

const child = defineWorkflow<Json, Json>({
  name: hostileLine("workflow-name"),
  version: "1",
  description: hostileText("child"),
  input: anything,
  run: async (ctx) => ctx.step(hostileLine("child-step"), () => hostileText("child-output")),
});

const failing = defineWorkflow<Json, Json>({
  name: "failing",
  version: "1",
  input: anything,
  async run() {
    throw new AppError("upstream", hostileText("run-error"));
  },
});

const asking = defineWorkflow<Json, Json>({
  name: "asking",
  version: "1",
  input: anything,
  async run(ctx) {
    ctx.onQuery(hostileLine("query"), () => objectOf("query"));
    const { reason } = await ctx.approve({
      question: hostileText("question"),
      detail: objectOf("detail"),
      approvers: ["owner", hostileLine("approver")],
    });
    return reason;
  },
});

const tool: Tool = {
  name: "mail",
  description: hostileText("tool"),
  effect: "read",
  parameters: EVERYTHING_OPEN,
  examples: [{ input: objectOf("example"), output: hostileText("example") }],
  run: async () =>
    ({
      rows: [...hostileAddresses("cell"), hostileText("cell")].map((value) => Object.fromEntries(FORMATS.map((format) => [format, value]))),
      text: hostileText("panel-markdown"),
      value: hostileLine("stat"),
      entries: [{ at: "2026-01-01T00:00:00Z", label: hostileLine("label"), detail: hostileText("timeline") }],
      points: [
        { x: hostileLine("point"), y: 1 },
        { x: "__proto__", y: 2 },
      ],
      ...hostileObject("tool-output"),
    }) as unknown as Json,
};

const FORMATS = ["text", "number", "money", "percent", "bytes", "duration", "date", "badge", "link"] as const;

const source = { tool: "mail" };
const frame = (id: string, slot: Panel["slot"]) => ({
  id,
  slot,
  title: hostileLine(`title ${id}`),
  description: hostileText(`about ${id}`).slice(0, 400),
});

function panels(slot: Panel["slot"]): readonly Panel[] {
  return [
    {
      ...frame(`${slot}-table`, slot),
      view: "table",
      source,
      at: "rows",
      columns: FORMATS.map((format) => ({ key: format, title: hostileLine(`column ${format}`), format })),
    },
    { ...frame(`${slot}-stat`, slot), view: "stat", source, at: "value", format: "link", unit: `"><b>` },
    { ...frame(`${slot}-text`, slot), view: "markdown", source: { text: hostileText("markdown") } },
    { ...frame(`${slot}-given`, slot), view: "markdown", source, at: "text" },
    { ...frame(`${slot}-line`, slot), view: "timeline", source, at: "entries", time: "at", label: "label", detail: "detail" },
    {
      ...frame(`${slot}-chart`, slot),
      view: "chart",
      kind: "bar",
      source,
      at: "points",
      x: { key: "x", kind: "category", title: hostileLine("axis") },
      series: [{ key: "y", title: hostileLine("series"), unit: "<b>" }],
    },
    { ...frame(`${slot}-chat`, slot), view: "chat", agent: "mallory" },
    {
      ...frame(`${slot}-form`, slot),
      view: "form",
      source,
      submit: "<img src=x onerror=globalThis.hacked=1>",
      confirm: hostileText("confirm").slice(0, 300),
      fields: [
        {
          key: hostileLine("field"),
          title: hostileLine("field"),
          help: hostileLine("help"),
          kind: "text",
          default: hostileLine("default"),
        },
        { key: "choice", kind: "select", options: [{ value: hostileLine("option"), title: hostileLine("option") }] },
      ],
    },
  ];
}

const agent = (name: string): AgentSpec => ({
  name,
  version: hostileLine("agent-version"),
  description: hostileText("agent"),
  instructions: hostileText("instructions"),
  model: "default",
  tools: ["mail"],
  routes: [{ id: "any", match: "^tool", tool: "mail", input: {}, reason: hostileLine("route"), answer: hostileText("route-answer") }],
  starters: [hostileLine("starter"), `javascript:globalThis.hacked='starter'`],
  limits: { stepsMax: 3, historyMessagesMax: 10 },
});

/** The plugin that brings all of it. */
export const hostilePlugin: Plugin = {
  name: hostileLine("plugin"),
  version: hostileLine("plugin-version"),
  workflows: [evil, child, failing, asking],
  tools: [tool],
  agents: [agent("mallory")],
  panels: [
    ...(["overview", "operations", "data", "commerce", "agents", "settings"] as const).flatMap(panels),
    ...panels("page").slice(0, 2),
  ],
};

/** What was started, for the addresses of its pages. */
export interface HostileRuns {
  readonly evil: string;
  readonly failed: string;
  readonly asking: string;
  readonly graph: string;
  readonly chat: string;
}

/** Fills a Tutti that has the plugin, over its API only. */
export async function fillWithHostility(tutti: TestApp): Promise<HostileRuns> {
  const client = createClient({ baseUrl: tutti.url, token: tutti.token });
  const start = async (workflow: string): Promise<string> => (await client.startRun({ workflow, input: objectOf("run-input") })).run.id;
  const runs = {
    evil: await ended(client, await start("evil")),
    failed: await ended(client, await start("failing")),
    asking: await start("asking"),
    graph: await runGraph(client),
    chat: await chat(client),
  };
  await saveViews(client);
  await settings(client, tutti);
  return runs;
}

async function ended(client: Client, runId: string): Promise<string> {
  for await (const event of client.watchRun({ runId, afterSeq: 0 }, AbortSignal.timeout(PATIENCE_MS))) void event;
  return runId;
}

async function runGraph(client: Client): Promise<string> {
  const graph = withoutExpressions({
    name: "evil-graph",
    description: hostileText("graph"),
    input: {
      type: "object",
      title: hostileLine("graph-input"),
      properties: { [hostileLine("property")]: { type: "string", description: hostileText("property") } },
    },
    nodes: {
      first: { type: "transform", title: hostileLine("node"), value: objectOf("node") },
      second: { type: "transform", title: hostileText("node-long").slice(0, 200), value: 1 },
      ask: { type: "approval", title: hostileLine("ask"), question: hostileText("graph-question") },
    },
    edges: [
      { from: "first", to: "second" },
      { from: "second", to: "ask" },
    ],
  });
  const saved = await client.saveGraph("evil-graph", { graph, message: hostileLine("message") });
  assert.ok(saved.ok, JSON.stringify(saved));
  return (await client.startSavedGraph("evil-graph", { input: {} })).run.id;
}

/** `${` would begin an expression, which a graph is refused for. */
function withoutExpressions(graph: object): Json {
  return JSON.parse(JSON.stringify(graph).replaceAll("${", "$ {")) as Json;
}

async function chat(client: Client): Promise<string> {
  let id = "";
  const messages = [{ role: "user" as const, content: "tool" }];
  for await (const part of client.chat({ agent: "mallory", messages }, AbortSignal.timeout(PATIENCE_MS))) {
    if (part.type === "started") id = part.runId;
  }
  return id;
}

async function saveViews(client: Client): Promise<void> {
  const texts = (value: string): Json => ({
    q: value,
    status: value,
    workflow: value,
    by: value,
    last: "toString",
    since: value,
    type: value,
    run: value,
    text: value,
  });
  for (const page of ["runs", "events"]) {
    for (const [index, value] of hostileAddresses("view").entries()) await client.saveView(`${page}: onerror ${index}`, texts(value));
    await client.saveView(`${page}: object`, objectOf("view"));
  }
}

async function settings(client: Client, tutti: TestApp): Promise<void> {
  await client.createKey({
    name: hostileLine("key"),
    user: hostileLine("user"),
    team: hostileLine("team"),
    tags: [hostileLine("tag")],
    limits: { budgets: [{ amountUsd: 1, per: "day" }] },
  } as never);
  await client.createSchedule({
    name: "onerror:1",
    workflow: "failing",
    input: objectOf("schedule"),
    when: { everyMs: 3_600_000 },
  } as never);
  const events = Array.from({ length: 3 }, () => ({
    type: hostileLine("type"),
    source: hostileLine("source"),
    subject: hostileLine("subject"),
    data: objectOf("event-data"),
  }));
  for (const event of events) await tutti.fetch("/v1/events", event);
  await tutti.fetch("/v1/mcp/servers", { name: "evil", command: process.execPath, args: [HOSTILE_MCP], isolation: "process" });
  await tutti.fetch("/v1/mcp/servers/evil/test", {});
}
