import { z } from "zod";
import { Run } from "./runs.ts";
import { count, effect, json } from "./values.ts";

/** A tool, and whether policy lets the one who asks call it. */
export const ToolShape = z
  .object({
    name: z.string(),
    description: z.string(),
    effect,
    source: z.string().describe('Who brought it: "built-in", "plugin:NAME", "mcp:NAME", "openapi:NAME", "workflow:NAME".'),
    parameters: json,
    output: json.exactOptional(),
    examples: z.array(z.object({ input: json, output: json.exactOptional() })).exactOptional(),
    cost: z.object({ usd: z.number().exactOptional(), durationMs: z.number().exactOptional() }).exactOptional(),
    isIdempotent: z.boolean(),
    isUntrusted: z.boolean(),
    allowed: z.object({ effect: z.enum(["allow", "ask", "deny", "depends"]), reason: z.string(), rule: z.string() }),
  })
  .meta({ id: "Tool", description: "A tool, and whether policy lets you call it." });

/** What a tool gave, and the run it ran in. */
export const ToolResult = z.object({ runId: z.string(), tool: z.string(), output: json });

/** A workflow that can be started. */
export const WorkflowShape = z.object({
  name: z.string(),
  version: z.string(),
  description: z.string(),
  kind: z.enum(["code", "graph", "agent"]),
  source: z.string().describe('"plugin:NAME", "built-in", or "graph" for a graph that was saved here.'),
  inputSchema: json.describe("The input as JSON Schema; null where it is not known."),
});

/** An API whose operations are tools, and which of them cannot be. */
export const ToolImport = z.object({
  name: z.string(),
  title: z.string(),
  server: z.string(),
  tools: z.array(z.object({ name: z.string(), description: z.string(), effect })),
  warnings: z.array(z.string()),
  skipped: z.array(z.object({ operation: z.string(), reason: z.string() })),
});

/** What was taken away. */
export const Removed = z.object({ removed: z.string() });

/** An agent to talk to. */
export const AgentShape = z.object({
  name: z.string(),
  version: z.string(),
  description: z.string(),
  model: z.string(),
  tools: z.array(z.string()),
  limits: z.object({ stepsMax: z.int(), historyMessagesMax: z.int() }),
  capabilities: z.object({
    tools: z.array(z.object({ name: z.string(), isThere: z.boolean(), effect: effect.nullable() })),
    skills: z.array(z.string()),
    routes: count,
    starters: z.array(z.string()),
    model: z.string().nullable().describe("The model it would ask now; null when none is configured."),
  }),
  health: z.object({ status: z.enum(["ok", "degraded", "down"]), reason: z.string() }),
  load: z.object({ queued: count, running: count, waiting: count, paused: count }),
  lastRun: Run.nullable(),
});

/** An agent's answer: what it said, who said it and why, and in which run. */
export const ChatAnswer = z.object({
  runId: z.string(),
  reply: z.object({ role: z.literal("assistant"), content: z.string() }),
  route: z.object({
    by: z.string(),
    reason: z.string(),
    model: z.string().exactOptional(),
    rule: z.string().exactOptional(),
    tool: z.string().exactOptional(),
  }),
  usage: z.object({ inputTokens: z.number(), outputTokens: z.number() }),
  finishReason: z.enum(["stop", "length", "tool_calls", "content_filter"]),
});

/** What a plugin in Tutti's own process brought. */
export const PluginShape = z.object({
  name: z.string(),
  path: z.string(),
  workflows: z.array(z.string()),
  tools: z.array(z.string()),
  agents: z.array(z.string()),
});

/** A plugin of the plugins folder: where it stands, what it asks for, what it brings. */
export const FolderPlugin = z.looseObject({
  name: z.string(),
  status: z.enum(["off", "loaded", "asks", "failed", "crash loop"]),
  folder: z.string(),
  version: z.string().nullable(),
  description: z.string(),
  loaded: z.object({ version: z.string(), hash: z.string(), tools: z.array(z.string()), skills: z.array(z.string()) }).nullable(),
  wants: z.array(z.string()).describe("All that it asks for, in words."),
  asks: z.array(z.string()).describe("What of it nobody has granted."),
  process: z.looseObject({ status: z.string(), pid: z.int().nullable(), restarts: z.int(), gaps: z.array(z.string()) }).nullable(),
  problem: z.string().nullable(),
});

/** One of them. */
export const OnePlugin = z.object({ plugin: FolderPlugin });

/** One of them, with what it printed last. */
export const FolderPluginDetails = FolderPlugin.extend({ output: z.string() });

/** All plugins. */
export const PluginList = z.object({
  plugins: z.array(PluginShape),
  failures: z.array(z.object({ plugin: z.string(), message: z.string() })),
  folder: z.array(FolderPlugin),
});

/** A tool of an MCP server beside what was approved of it. */
const McpTool = z.object({
  state: z.enum(["approved", "new", "changed", "gone"]),
  name: z.string(),
  hash: z.string(),
  tool: json,
  was: json.exactOptional().describe("What was approved, where it changed."),
});

/** An MCP server whose tools are used, and how it is. */
export const McpServer = z.looseObject({
  name: z.string(),
  transport: z.enum(["stdio", "http"]),
  state: z.enum(["idle", "connected", "down"]),
  server: z.object({ name: z.string(), version: z.string(), revision: z.string() }).exactOptional(),
  tools: z.object({ approved: z.int(), waiting: z.int() }),
  calls: z.int(),
  failures: z.int(),
  reason: z.string().exactOptional(),
  isConfigured: z.boolean(),
  pinned: z.array(McpTool),
  setting: json,
});

/** One of them. */
export const OneServer = z.object({ server: McpServer });
