import {
  AppError,
  defineWorkflow,
  type AgentSpec,
  type Json,
  type Message,
  type ModelRequest,
  type Reply,
  type RunContext,
  type Tool,
  type ToolCall,
  type Workflow,
} from "@tutti/core";
import { randomBytes } from "node:crypto";
import { z } from "zod";
import { MARK_NOTE, resultForModel, type ResultRules } from "../../models/index.ts";
import { skillForModel, SKILL_TOOL, withSkills, withSkillTool, type SkillHead } from "./skills.ts";
import { boundedHistory } from "./history.ts";
import { readResources } from "./resources.ts";
import { answerOf, compilePattern, fillTemplate, matches, type Matchable } from "../routing/index.ts";

const MESSAGES_MAX = 10_000;

/** A model that asks for more calls in one answer gets the rest refused. */
const CALLS_PER_STEP_MAX = 16;

/** Errors about the run itself. They are none of the model's business. */
const RUN_ERRORS: ReadonlySet<string> = new Set(["cancelled", "concurrent_steps", "workflow_changed"]);

/** What agents need of the host. `findModel` gives the id of the model that a spec asks for, if it is configured. */
export interface AgentDeps {
  readonly findModel: (model: string) => string | undefined;
  /** The model that the router policy has for a message, whether or not it is configured. */
  readonly modelFor: (message: string) => Promise<{ readonly model: string; readonly reason: string } | undefined>;
  readonly findTool: (name: string) => Tool | undefined;
  readonly findSkill: (name: string) => SkillHead | undefined;
  /** Whether there is an MCP server of this name. */
  readonly hasServer: (name: string) => boolean;
  readonly toolResults: ResultRules;
}

/** Who answered, and why. It stands in the output and, as the output of the step "route", in the trace. */
type RouteTaken =
  | { readonly by: "model"; readonly model: string; readonly reason: string }
  | { readonly by: "rule"; readonly rule: string; readonly tool: string; readonly reason: string }
  | { readonly by: "none"; readonly reason: string };

/** What a run of an agent ends with. */
export type AgentOutput = {
  readonly reply: { readonly role: "assistant"; readonly content: string };
  readonly route: RouteTaken;
  readonly usage: { readonly inputTokens: number; readonly outputTokens: number };
  readonly finishReason: Reply["finishReason"];
};

const messageSchema = z.object({
  role: z.enum(["system", "user", "assistant", "tool"]),
  content: z.string(),
  calls: z.array(z.object({ id: z.string(), name: z.string(), input: z.json() })).exactOptional(),
  callId: z.string().exactOptional(),
});

/** A conversation; `{ "message": "…" }` is short for one with a single message. */
const inputSchema = z.preprocess(
  (input) => (isShorthand(input) ? { messages: [{ role: "user", content: input.message }] } : input),
  z.object({ messages: z.array(messageSchema).min(1).max(MESSAGES_MAX) }),
);

type AgentInput = z.output<typeof inputSchema>;

/** An agent as a workflow: a model picks the next step, or the agent's routes do where no model is configured. Throws `invalid_input` for a bad pattern. */
export function agentWorkflow(agent: AgentSpec, deps: AgentDeps): Workflow {
  const spec = withSkillTool(agent);
  const routes = spec.routes.map((route) => ({ route, patterns: [compilePattern(route.match)] }));
  return defineWorkflow<AgentInput, AgentOutput>({
    name: spec.name,
    version: spec.version,
    description: spec.description,
    input: inputSchema,
    async run(ctx, { messages }) {
      // In a step, because the configuration may be another one when the run is resumed or replayed.
      const { input, key = "", ...route } = await ctx.step("route", () => chooseRoute({ spec, deps, routes }, messages));
      switch (route.by) {
        case "model":
          return { route, ...(await askModel(ctx, { spec, deps, model: route.model, key }, messages)) };
        case "rule":
          return answered(route, await callRoute(ctx, { spec, route }, input ?? null));
        case "none":
          return answered(route, withoutModel(spec));
      }
    },
  });
}

/** The route, the tool's input where a rule chose it, and the key of the marks around tool results where a model reads them. */
type RouteChosen = RouteTaken & { readonly input?: Json; readonly key?: string };

interface Chooser {
  readonly spec: AgentSpec;
  readonly deps: AgentDeps;
  readonly routes: readonly (Matchable & { readonly route: AgentSpec["routes"][number] })[];
}

async function chooseRoute({ spec, deps, routes }: Chooser, messages: readonly Message[]): Promise<RouteChosen> {
  const missing = spec.tools.find((name) => deps.findTool(name) === undefined);
  if (missing !== undefined)
    throw new AppError(
      "not_found",
      `the agent ${spec.name} wants the tool ${missing}, which is not installed; load the plugin that has it, or take it out of the agent's tools`,
    );
  const unknown = spec.skills?.find((name) => deps.findSkill(name) === undefined);
  if (unknown !== undefined)
    throw new AppError(
      "not_found",
      `the agent ${spec.name} wants the skill ${unknown}, which is not installed; enable the plugin that has it, or take it out of the agent's skills`,
    );
  const nowhere = spec.resources?.find(({ server }) => !deps.hasServer(server))?.server;
  if (nowhere !== undefined)
    throw new AppError(
      "not_found",
      `the agent ${spec.name} reads resources of the MCP server ${nowhere}, which is not there; add it with \`tutti mcp add\`, or take it out of the agent's resources`,
    );
  const message = messages.findLast(({ role }) => role === "user")?.content ?? "";
  const chosen = await chooseModel(spec.model, message, deps);
  if (chosen !== undefined) return { by: "model", ...chosen, key: randomBytes(16).toString("hex") };
  const [match] = matches(routes, message);
  if (match === undefined) return { by: "none", reason: "no model is configured and no route matches" };
  const { id, tool, reason, input } = match.rule.route;
  return { by: "rule", rule: id, tool, reason, input: fillTemplate(input, match.value) };
}

/** The model that the agent names; else the router policy's for this message; else the default. */
async function chooseModel(
  asked: string,
  message: string,
  { findModel, modelFor }: AgentDeps,
): Promise<{ readonly model: string; readonly reason: string } | undefined> {
  const model = findModel(asked);
  if (asked !== "default") return model === undefined ? undefined : { model, reason: "the agent names this model" };
  const routed = await modelFor(message);
  const found = routed === undefined ? undefined : findModel(routed.model);
  if (routed !== undefined && found !== undefined) return { model: found, reason: routed.reason };
  if (model === undefined) return undefined;
  const why = "a default model is configured";
  return { model, reason: routed === undefined ? why : `${why}; ${routed.reason}, but ${routed.model} is not configured` };
}

interface ModelAgent {
  readonly spec: AgentSpec;
  readonly deps: AgentDeps;
  readonly model: string;
  readonly key: string;
}

/** The loop of an agent: the model answers, or asks for tools and reads what they gave. Its last step gets no tools, so that it must answer. */
async function askModel(
  ctx: RunContext,
  { spec, deps, model, key }: ModelAgent,
  messages: readonly Message[],
): Promise<Omit<AgentOutput, "route">> {
  const tools = spec.tools.flatMap((name) => specOf(deps.findTool(name)));
  const forModel: ForModel = (output, tool) => resultForModel({ output, tool, key }, deps.toolResults);
  const history = boundedHistory(messages, spec.limits.historyMessagesMax).map((message) => asData(message, messages, forModel));
  const read = await readResources(ctx, spec.resources ?? [], {
    forModel: (output, from, charactersMax) => resultForModel({ output, tool: from, key }, { ...deps.toolResults, charactersMax }),
    explain: (error) => toolError(ctx, error).message,
  });
  const isMarked = deps.toolResults.mark && (tools.length > 0 || read.length > 0 || history.some(({ role }) => role === "tool"));
  const known = withSkills(spec, deps.findSkill);
  const instructions = isMarked ? `${known}\n\n${MARK_NOTE}` : known;
  const conversation: Message[] = [{ role: "system", content: instructions }, ...read, ...history];
  let usage = { inputTokens: 0, outputTokens: 0 };
  for (let step = 1; step <= spec.limits.stepsMax; step += 1) {
    const offered = step < spec.limits.stepsMax ? tools : [];
    const reply = await ctx.generate(model, { messages: conversation, ...(offered.length > 0 && { tools: offered }) });
    usage = { inputTokens: usage.inputTokens + reply.usage.inputTokens, outputTokens: usage.outputTokens + reply.usage.outputTokens };
    if (reply.calls.length === 0) return { reply: { role: "assistant", content: reply.content }, usage, finishReason: reply.finishReason };
    conversation.push({ role: "assistant", content: reply.content, calls: reply.calls });
    for (const [index, call] of reply.calls.entries()) {
      conversation.push({
        role: "tool",
        callId: call.id,
        content: await toolResult(ctx, { call, allowed: spec.tools, index, forModel: call.name === SKILL_TOOL ? skillForModel : forModel }),
      });
    }
  }
  throw new AppError(
    "upstream",
    `the agent ${spec.name} got no answer from ${model} within ${spec.limits.stepsMax} steps, only more tool calls; raise limits.stepsMax`,
  );
}

/** What came of a tool, as a model reads it. */
type ForModel = (output: Json, tool: string) => string;

/** What a client says that a tool gave is data like what one gives here. */
function asData(message: Message, all: readonly Message[], forModel: ForModel): Message {
  if (message.role !== "tool") return message;
  const call = all.flatMap(({ calls = [] }) => calls).findLast(({ id }) => id === message.callId);
  return { ...message, content: forModel(message.content, call?.name ?? "unknown tool") };
}

interface AskedCall {
  readonly call: ToolCall;
  readonly allowed: readonly string[];
  readonly index: number;
  readonly forModel: ForModel;
}

/** What a tool gave, as a model reads it. A tool that fails is no end: the model may do better with the reason. */
async function toolResult(ctx: RunContext, { call, allowed, index, forModel }: AskedCall): Promise<string> {
  if (index >= CALLS_PER_STEP_MAX) return `error: at most ${CALLS_PER_STEP_MAX} tool calls at once; ask again for the rest`;
  if (!allowed.includes(call.name))
    return `error: there is no tool ${JSON.stringify(call.name)}; there are: ${allowed.join(", ") || "none"}`;
  try {
    return forModel(await ctx.call(call.name, call.input), call.name);
  } catch (error) {
    const { code, message } = toolError(ctx, error);
    return forModel(`error ${code}: ${message}`, call.name);
  }
}

/** The error of a tool; what is about the run itself is thrown on. */
function toolError(ctx: RunContext, error: unknown): AppError {
  if (ctx.signal.aborted || !(error instanceof AppError) || RUN_ERRORS.has(error.code)) throw error;
  return error;
}

interface RouteCall {
  readonly spec: AgentSpec;
  readonly route: Extract<RouteTaken, { readonly by: "rule" }>;
}

async function callRoute(ctx: RunContext, { spec, route }: RouteCall, input: Json): Promise<string> {
  try {
    const output = await ctx.call(route.tool, input);
    const rule = spec.routes.find(({ id }) => id === route.rule);
    return rule === undefined ? JSON.stringify(output) : answerOf(rule, output);
  } catch (error) {
    return `I tried ${route.tool}, and it did not work: ${toolError(ctx, error).message}`;
  }
}

function withoutModel(spec: AgentSpec): string {
  const what = spec.model === "default" ? "No model is configured" : `The model ${spec.model} is not configured`;
  const routes = spec.routes.map(({ id }) => id).join(", ");
  return [
    `${what}, so I cannot answer that.`,
    ...(routes === "" ? [] : [`Without a model I have these fixed routes only: ${routes}.`]),
    "To add a model, set TUTTI_MODEL_BASE_URL and TUTTI_MODEL, and start Tutti again. With Ollama on this machine:",
    "TUTTI_MODEL_BASE_URL=http://127.0.0.1:11434/v1 TUTTI_MODEL=llama3.2",
  ].join("\n");
}

function answered(route: RouteTaken, content: string): AgentOutput {
  return { reply: { role: "assistant", content }, route, usage: { inputTokens: 0, outputTokens: 0 }, finishReason: "stop" };
}

function specOf(tool: Tool | undefined): NonNullable<ModelRequest["tools"]> {
  return tool === undefined ? [] : [{ name: tool.name, description: tool.description, parameters: tool.parameters }];
}

function isShorthand(input: unknown): input is { readonly message: unknown } {
  return typeof input === "object" && input !== null && "message" in input && !("messages" in input);
}
