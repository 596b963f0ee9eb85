import { AppError, type Json, type RunContext, type StepOptions } from "@tutti/core";
import {
  cacheStep,
  doneStep,
  GRAPH_BOUNDS,
  VALUE_REFUSED_EVENT,
  type GraphBody,
  type GraphCase,
  type GraphNode,
  type GraphRetry,
} from "@tutti/core/graph";
import { digestOf, type GraphCache } from "./cache.ts";
import { fieldsOf } from "./fields.ts";
import { fill } from "./template.ts";
import { schemaFor } from "./value-schema.ts";

/** What the interpreter needs of whoever hosts it. */
export interface GraphHost {
  /** The id of the model that "default" or an id stands for, if there is one. */
  readonly findModel: (model: string) => string | undefined;
  /** Without one, nodes do their work every time. */
  readonly cache?: GraphCache;
}

type Variables = Readonly<Record<string, Json>>;

/** One node that runs. */
export interface NodeCall {
  readonly node: GraphNode;
  /** Its id, with the ids and turns of the nodes around it: `each[2].fetch`. */
  readonly path: string;
  readonly variables: Variables;
  readonly host: GraphHost;
  /** Runs nodes inside this one. */
  readonly inside: (ctx: RunContext, body: GraphBody, at: { readonly path: string; readonly variables: Variables }) => Promise<Json>;
}

/** What came out of a node; `case` is set where edges can tell outcomes apart. */
export interface NodeOutcome {
  readonly output: Json;
  readonly case?: string | boolean;
}

/** What a node's expressions gave when it began. */
type Given = { readonly [field: string]: Json };

/** Other values may come before the one that is meant, but not without end. */
const VALUES_REFUSED_MAX = 1_000;
const DELAY_MS = 1_000;
const DELAY_MAX_MS = 60_000;

/**
 * Does one node. Its first step carries its id, and its output is what the node's expressions gave: a trace shows which node a step
 * belongs to, and a replay does not depend on the expressions being worked out again.
 */
export async function perform(ctx: RunContext, call: NodeCall): Promise<NodeOutcome> {
  const { node, path } = call;
  const given = await ctx.step<Given>(path, () => begin(call), { attemptsMax: 1 });
  switch (node.type) {
    case "transform":
      return { output: given["output"] ?? null };
    case "condition":
      return { output: given["output"] ?? null, case: given["output"] as string | boolean };
    case "fail":
      throw AppError.revive(node.code, textOf(given["message"]));
    case "emit":
      await ctx.emit({ name: node.event, data: given["data"] ?? null, ...(given["key"] !== undefined && { key: textOf(given["key"]) }) });
      return { output: given["data"] ?? null };
    case "approval":
      return approve(ctx, node, given);
    case "tool":
    case "model":
    case "agent":
    case "workflow":
      return { output: await cached(ctx, { ...call, given }, () => worked(ctx, node, given)) };
    case "wait":
      return { output: await bounded(ctx, node.timeoutMs, (branch) => waitFor(branch, node, { ...call, given })) };
    case "map":
    case "loop":
    case "group": {
      const output = await bounded(ctx, node.timeoutMs, (branch) =>
        retried(branch, node.retry, () => contained(branch, node, { ...call, given })),
      );
      await ctx.step(doneStep(path), () => output, { attemptsMax: 1 });
      return { output };
    }
  }
}

/** Works out what the node's expressions give. */
function begin({ node, variables, host }: NodeCall): Given {
  if (node.type === "condition")
    return { output: node.cases === undefined ? truth(node.if ?? "", variables) : firstCase(node.cases, variables) };
  if (node.type === "transform") return { output: fill(node.value, variables) };
  const given = Object.fromEntries(fieldsOf(node).map(({ key, value }) => [key, fill(value, variables)]));
  if ("cache" in node && node.cache !== undefined) given["cache"] = fill(node.cache.key, variables);
  if (node.type !== "model") return given;
  // In a step, because the configuration may be another one when the run is replayed.
  const model = host.findModel(node.model);
  if (model === undefined)
    throw new AppError(
      "no_model",
      `the node wants the model "${node.model}", and none such is configured; set TUTTI_MODEL_BASE_URL and TUTTI_MODEL`,
    );
  return { ...given, model };
}

function firstCase(cases: readonly GraphCase[], variables: Variables): string {
  return cases.find(({ when }) => truth(when, variables))?.case ?? "otherwise";
}

/** The value of an expression that must be true or false. */
export function truth(template: string, variables: Variables): boolean {
  const value = fill(template, variables);
  if (typeof value === "boolean") return value;
  throw new AppError("invalid_input", `wanted true or false of ${template}, got ${JSON.stringify(value).slice(0, 100)}`);
}

type WorkNode = GraphNode & { readonly type: "tool" | "model" | "agent" | "workflow" };

/** The work of a node that asks something of the world. */
function worked(ctx: RunContext, node: WorkNode, given: Given): Promise<Json> {
  const input = given["input"] ?? null;
  switch (node.type) {
    case "tool":
      return ctx.call(node.tool, input, optionsOf(node));
    case "model":
      return generate(ctx, node, given);
    case "agent":
      return bounded(ctx, node.timeoutMs, (branch) => retried(branch, node.retry, () => branch.start(node.agent, input)));
    case "workflow":
      return bounded(ctx, node.timeoutMs, (branch) => retried(branch, node.retry, () => branch.start(node.workflow, input)));
  }
}

async function generate(ctx: RunContext, node: WorkNode & { readonly type: "model" }, given: Given): Promise<Json> {
  const system = given["system"] === undefined ? [] : [{ role: "system", content: textOf(given["system"]) } as const];
  const messages = [...system, { role: "user", content: textOf(given["prompt"]) } as const];
  const { content, finishReason, usage } = await ctx.generate(textOf(given["model"]), { messages }, optionsOf(node));
  return { content, finishReason, usage: { ...usage } };
}

function textOf(value: Json | undefined): string {
  return typeof value === "string" ? value : JSON.stringify(value ?? null);
}

function optionsOf<T>({
  retry,
  timeoutMs,
}: {
  readonly retry?: GraphRetry | undefined;
  readonly timeoutMs?: number | undefined;
}): StepOptions<T> {
  return {
    ...(timeoutMs !== undefined && { timeoutMs }),
    ...(retry && { attemptsMax: retry.attemptsMax }),
    ...(retry?.nonRetryable && { nonRetryable: retry.nonRetryable }),
    ...(retry?.delayMs !== undefined && { backoff: { delayMs: retry.delayMs, delayMaxMs: retry.delayMaxMs ?? DELAY_MAX_MS } }),
  };
}

interface GivenCall extends NodeCall {
  readonly given: Given;
}

/** What an earlier run was given for the same question, or what `work` gives now. Looking and keeping are steps, so a replay does neither. */
async function cached(ctx: RunContext, { node, path, host, given }: GivenCall, work: () => Promise<Json>): Promise<Json> {
  const { cache } = host;
  if (!("cache" in node) || node.cache === undefined || cache === undefined) return work();
  const { ttlMs } = node.cache;
  const digest = digestOf({
    type: node.type,
    target: given["model"] ?? ("tool" in node ? node.tool : "agent" in node ? node.agent : "workflow" in node ? node.workflow : ""),
    key: given["cache"] ?? null,
  });
  const found = await ctx.step<Json>(cacheStep(path), async ({ taint }) => {
    const kept = await cache.get(digest).catch(() => undefined);
    if (kept === undefined) return { hit: false };
    taint(kept.tainted);
    return { hit: true, value: kept.value };
  });
  if (isHit(found)) return found.value;
  const output = await work();
  await ctx.step(cacheStep(path), ({ tainted }) => cache.set(digest, { value: output, tainted }, ttlMs));
  return output;
}

function isHit(found: Json): found is { readonly hit: true; readonly value: Json } {
  return typeof found === "object" && found !== null && "hit" in found && found.hit === true;
}

async function approve(ctx: RunContext, node: GraphNode & { readonly type: "approval" }, given: Given): Promise<NodeOutcome> {
  const approval = await ctx.approve({
    question: textOf(given["question"]),
    ...(given["detail"] !== undefined && { detail: given["detail"] }),
    ...(node.approvers && { approvers: node.approvers }),
    ...(node.timeoutMs !== undefined && { timeoutMs: node.timeoutMs }),
    ...(node.otherwise && { otherwise: node.otherwise }),
  });
  return { output: { ...approval }, case: approval.approved ? "approved" : "refused" };
}

async function waitFor(ctx: RunContext, node: GraphNode & { readonly type: "wait" }, call: GivenCall): Promise<Json> {
  const { given } = call;
  if (node.signal !== undefined || node.event !== undefined) return waitForValue(ctx, node, call);
  if (given["until"] === undefined) {
    await ctx.sleep(milliseconds(given["ms"]));
    return null;
  }
  const untilMs = Date.parse(textOf(given["until"]));
  if (Number.isNaN(untilMs))
    throw new AppError("invalid_input", `wanted a moment in ISO 8601 in until, got ${JSON.stringify(given["until"])}`);
  await ctx.sleep(Math.max(0, untilMs - (await ctx.now()).getTime()));
  return null;
}

function milliseconds(value: Json | undefined): number {
  if (typeof value === "number" && value >= 0) return value;
  throw new AppError("invalid_input", `wanted 0 or more milliseconds in ms, got ${JSON.stringify(value)}`);
}

/** The next value that is meant. One that does not fit is told, and waited past. */
async function waitForValue(ctx: RunContext, node: GraphNode & { readonly type: "wait" }, { variables, path }: GivenCall): Promise<Json> {
  const name = node.signal ?? `event:${node.event}`;
  const schema = node.schema === undefined ? undefined : schemaFor(node.schema);
  for (let refused = 0; refused < VALUES_REFUSED_MAX; refused += 1) {
    const value = (await ctx.waitFor(name)) ?? null;
    const reason = schema?.misfitOf(node.event === undefined ? value : dataOf(value));
    if (reason !== undefined) {
      await ctx.emit({ name: VALUE_REFUSED_EVENT, data: { node: path, name, reason } });
    } else if (node.when === undefined || truth(node.when, { ...variables, value })) return value;
  }
  throw new AppError("conflict", `wanted a value of ${name} that fits within ${VALUES_REFUSED_MAX} of them, got none`);
}

/** What an event carries. */
function dataOf(event: Json): Json {
  return typeof event === "object" && event !== null && "data" in event ? ((event as Given)["data"] ?? null) : event;
}

async function contained(ctx: RunContext, node: GraphNode & { readonly type: "map" | "loop" | "group" }, call: GivenCall): Promise<Json> {
  const { path, variables, inside, given } = call;
  switch (node.type) {
    case "group":
      return inside(ctx, node.do, { path, variables });
    case "map": {
      const { items } = given;
      if (!Array.isArray(items))
        throw new AppError("invalid_input", `wanted a list in items, got ${JSON.stringify(items ?? null).slice(0, 100)}`);
      if (items.length > GRAPH_BOUNDS.itemsMax)
        throw new AppError("too_large", `wanted at most ${GRAPH_BOUNDS.itemsMax} items, got ${items.length}; take them in parts`);
      return ctx.map(
        items as readonly Json[],
        (branch, item, index) => inside(branch, node.do, { path: `${path}[${index}]`, variables: { ...variables, item, index } }),
        {
          concurrency: node.concurrency,
        },
      );
    }
    case "loop":
      return loop(ctx, node, call);
  }
}

async function loop(
  ctx: RunContext,
  node: GraphNode & { readonly type: "loop" },
  { path, variables, inside, given }: GivenCall,
): Promise<Json> {
  const timesMax = node.timesMax ?? GRAPH_BOUNDS.timesMax;
  const times = given["times"] === undefined ? Infinity : Number(given["times"]);
  if (!(times >= 0) || (times !== Infinity && times > timesMax))
    throw new AppError("invalid_input", `wanted 0 to ${timesMax} times, got ${JSON.stringify(given["times"])}`);
  let last: Json = null;
  for (let iteration = 0; iteration < times; iteration += 1) {
    const turn = { ...variables, iteration, last };
    if (node.while !== undefined && !truth(node.while, turn)) return last;
    if (iteration >= timesMax)
      throw new AppError(
        "conflict",
        `the loop went round ${timesMax} times and its while still holds; raise timesMax, or look why it does not end`,
      );
    last = await inside(ctx, node.do, { path: `${path}[${iteration}]`, variables: turn });
  }
  return last;
}

/** Fails with `timeout` when `work` takes longer. Without a bound it is done as it is. */
async function bounded<T>(ctx: RunContext, timeoutMs: number | undefined, work: (ctx: RunContext) => Promise<T>): Promise<T> {
  if (timeoutMs === undefined) return work(ctx);
  return ctx.race<T>([
    work,
    async (branch) => {
      await branch.sleep(timeoutMs);
      throw new AppError(
        "timeout",
        `wanted the node to end within ${timeoutMs} ms, got no end; raise timeoutMs, or look what it waits for`,
      );
    },
  ]);
}

/** Tries again what fails, after growing waits. Steps have their own retries; this is for what consists of many. */
async function retried<T>(ctx: RunContext, retry: GraphRetry | undefined, work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work();
    } catch (thrown) {
      const { code } = AppError.from(thrown);
      if (ctx.signal.aborted || retry === undefined || attempt >= retry.attemptsMax || retry.nonRetryable?.includes(code) === true)
        throw thrown;
    }
    await ctx.sleep(Math.min(retry?.delayMaxMs ?? DELAY_MAX_MS, (retry?.delayMs ?? DELAY_MS) * 2 ** (attempt - 1)));
  }
}
