import { inputRequired, type CallToolResult, type InputRequiredResult } from "@modelcontextprotocol/server";
import { AppError, type EventDraft, type Json, type Wait } from "@tutti/core";
import { z } from "zod";
import { newRunId, toolWorkflow, type App } from "../../host/index.ts";
import type { McpCall } from "./offer.ts";
import { failureOf, resultOf } from "./results.ts";
import type { Target } from "./targets.ts";

/** Under this key a client's answer to a question comes back. */
const QUESTION = "approval";
/** Steps whose beginning and end clients are told; others are the workflow's own affair. */
const TOLD = new Set<EventDraft["type"]>([
  "step.started",
  "step.completed",
  "step.failed",
  "step.progressed",
  "step.waiting",
  "policy.decided",
]);
const MESSAGE_CHARACTERS_MAX = 500;

const Answer = z.object({
  action: z.enum(["accept", "decline", "cancel"]),
  content: z.object({ approve: z.boolean().optional(), reason: z.string().max(2000).optional() }).optional(),
});

/**
 * Calls a target as a run of its own, and goes on with that run when the client comes back with an answer. It is decided, journaled and
 * receipted as any other; a client that leaves cancels it.
 */
export async function callRun(
  app: App,
  { target, args }: { readonly target: Target; readonly args: Readonly<Record<string, Json>> },
  call: McpCall,
): Promise<CallToolResult | InputRequiredResult> {
  const state = call.context.mcpReq.requestState<{ readonly run?: string; readonly key?: string; readonly tool?: string }>();
  const isBack = state?.run !== undefined && state.tool === target.tool.name;
  const runId = isBack && state.run !== undefined ? state.run : newRunId(Date.now());
  using follower = new RunFollower(app, runId, call);
  try {
    if (isBack) {
      const refusal = await answer(app, call, { runId, key: state.key ?? "" });
      if (refusal !== undefined) return refusal;
    } else await app.engine.start(target.workflow, inSession(target, target.inputOf(args), call), { principal: call.principal, runId });
    return await outcome(target, follower);
  } catch (thrown) {
    const error = AppError.from(thrown);
    if (call.context.mcpReq.signal.aborted) await cancel(app, runId, call);
    return failureOf(error, runId);
  } finally {
    await follower.told;
  }
}

/** The tool calls of a session know of each other: what one read from outside counts for those after it. */
function inSession({ workflow }: Target, input: Json, { context: { sessionId } }: McpCall): Json {
  const isCall = workflow === toolWorkflow.name && sessionId !== undefined && typeof input === "object" && !Array.isArray(input);
  return isCall ? { ...(input as Readonly<Record<string, Json>>), conversation: `mcp:${sessionId}` } : input;
}

/** The run's end, or the question it asks of a person. */
async function outcome(target: Target, follower: RunFollower): Promise<CallToolResult | InputRequiredResult> {
  const { app, runId, call } = follower;
  const over = new AbortController();
  const signal = AbortSignal.any([call.context.mcpReq.signal, over.signal]);
  const result = app.engine.result(runId, signal).then((output) => ({ output }));
  try {
    const first = await Promise.race([result, follower.question(signal)]);
    if ("output" in first) return resultOf(first.output, runId);
    if (!call.canElicit || !mayAnswer(app, first.wait, call)) return waiting(first.wait, runId);
    const requestState = await call.seal({ run: runId, key: first.wait.key, tool: target.tool.name });
    return inputRequired({ inputRequests: { [QUESTION]: questionOf(first.wait) }, requestState });
  } finally {
    over.abort();
    // Whichever lost the race has nothing left to say.
    await result.catch(() => undefined);
  }
}

/** Gives a person's answer to the run; returns what to tell the client when there is none. */
async function answer(
  app: App,
  { context, principal }: McpCall,
  { runId, key }: { readonly runId: string; readonly key: string },
): Promise<CallToolResult | undefined> {
  const given = Answer.safeParse(context.mcpReq.inputResponses?.[QUESTION]);
  const [wait] = await waitsOf(app, runId);
  if (wait === undefined || wait.key !== key) return undefined;
  if (!given.success || given.data.action === "cancel") return waiting(wait, runId);
  const { action, content } = given.data;
  const approved = action === "accept" && content?.approve === true;
  await app.engine.answer(runId, { key, approved, reason: content?.reason ?? `${approved ? "approved" : "refused"} over MCP` }, principal);
  return undefined;
}

function questionOf({ name, approval }: Wait): ReturnType<typeof inputRequired.elicit> {
  const detail = approval?.detail === undefined ? "" : `\n${JSON.stringify(approval.detail, null, 2)}`;
  return inputRequired.elicit({
    message: `${approval?.question ?? name}${detail}`,
    requestedSchema: {
      type: "object",
      properties: {
        approve: { type: "boolean", title: "Approve", description: "Whether it may go on.", default: false },
        reason: { type: "string", title: "Reason", description: "Why, for the record." },
      },
      required: ["approve"],
    },
  });
}

/** The run goes on when somebody approves it elsewhere; the client is told where. */
function waiting({ key, name }: Wait, runId: string): CallToolResult {
  const how = `a person may approve it with \`tutti approvals approve ${runId} ${key}\`; then read tutti://runs/${runId}/result`;
  return failureOf(new AppError("denied", `missing_approval: ${name}. The run ${runId} waits for the approval "${key}": ${how}`), runId);
}

function mayAnswer(app: App, { approval, name }: Wait, { principal }: McpCall): boolean {
  const { approvers } = approval ?? {};
  const isNamed = approvers === undefined || [principal.id, ...principal.roles].some((one) => approvers.includes(one));
  const action = { kind: "run.approve", principal, resource: "*", input: { question: name, approved: true } } as const;
  return isNamed && app.registry.decide(action).effect === "allow";
}

async function waitsOf(app: App, runId: string): Promise<readonly Wait[]> {
  return app.store.waits({ runId, kind: "approval", limit: 1 });
}

async function cancel(app: App, runId: string, { principal }: McpCall): Promise<void> {
  // It is this door's own call that nobody waits for any more; whoever left need not be allowed to steer runs.
  const door = { id: `mcp:${principal.id}`, tenant: principal.tenant, roles: ["owner"] };
  // A run that has ended meanwhile, or was never begun, is fine as it is.
  await app.engine.cancel(runId, "the MCP client cancelled its call", door).catch((thrown: unknown) => {
    if (!["conflict", "not_found"].includes(AppError.from(thrown).code))
      app.logger.warn({ runId, error: thrown }, "a cancelled call's run goes on");
  });
}

/** Watches one run for one call: tells the client how far it is, and waits for questions. */
class RunFollower implements Disposable {
  readonly runId: string;
  readonly app: App;
  readonly call: McpCall;
  readonly #subscription: Disposable;
  #told: Promise<unknown> = Promise.resolve();
  #steps = 0;
  #asked = Promise.withResolvers<void>();

  constructor(app: App, runId: string, call: McpCall) {
    this.runId = runId;
    this.app = app;
    this.call = call;
    this.#subscription = app.engine.subscribe((event) => {
      if (event.runId === runId) this.#observe(event);
    });
  }

  /** Resolves when the client has been told all there was to tell. */
  get told(): Promise<unknown> {
    return this.#told;
  }

  /** The approval that the run waits for. */
  async question(signal: AbortSignal): Promise<{ readonly wait: Wait }> {
    const ended = Promise.withResolvers<never>();
    const end = (): void => ended.reject(new AppError("cancelled", "nobody waits for the question any more"));
    signal.addEventListener("abort", end, { once: true });
    // Of a race that is over, nobody hears.
    ended.promise.catch(() => undefined);
    for (;;) {
      const [wait] = await waitsOf(this.app, this.runId);
      if (wait !== undefined) return { wait };
      if (signal.aborted) return ended.promise;
      await Promise.race([this.#asked.promise, ended.promise]);
      this.#asked = Promise.withResolvers<void>();
    }
  }

  [Symbol.dispose](): void {
    this.#subscription[Symbol.dispose]();
  }

  #observe(event: EventDraft): void {
    if (event.type === "step.waiting" && event.kind === "approval") this.#asked.resolve();
    if (!TOLD.has(event.type)) return;
    this.#steps += 1;
    const { mcpReq } = this.call.context;
    const progressToken = mcpReq._meta?.progressToken;
    const message = messageOf(event);
    const tell = async (): Promise<void> => {
      if (progressToken !== undefined)
        await mcpReq.notify({ method: "notifications/progress", params: { progressToken, progress: this.#steps, message } });
      await mcpReq.log(event.type === "step.failed" ? "warning" : "info", { run: this.runId, event: event.type, message }, "tutti.run");
    };
    // A client that does not take them in loses them, not the call.
    this.#told = this.#told.then(tell).catch(() => undefined);
  }
}

function messageOf(event: EventDraft): string {
  if (event.type === "policy.decided")
    return `${event.decision.effect}: ${event.action.kind} on ${event.action.resource}`.slice(0, MESSAGE_CHARACTERS_MAX);
  if (!("name" in event)) return event.type;
  const what = event.type.slice("step.".length);
  const detail =
    event.type === "step.progressed" ? ` ${typeof event.detail === "string" ? event.detail : JSON.stringify(event.detail)}` : "";
  return `${event.name} ${what}${detail}`.slice(0, MESSAGE_CHARACTERS_MAX);
}
