import type { Event, Json, RunStatus, RunUsage } from "@tutti/core";
import { statusAfter } from "@tutti/core";
import { fieldsOf } from "../../parts/json-fields.ts";

/** One call of a tool as an answer's run tells it. */
export interface ToolUse {
  readonly key: string;
  readonly tool: string;
  readonly input: Json | undefined;
  readonly state: "running" | "waiting" | "completed" | "failed" | "refused";
  readonly output?: Json;
  readonly error?: { readonly code: string; readonly message: string };
  readonly durationMs?: number;
  /** Why policy let it be called, or did not. */
  readonly reason: string;
}

/** What an answer's run tells of it. */
export interface AnswerReading {
  readonly status: RunStatus;
  readonly tools: readonly ToolUse[];
  readonly text: string | undefined;
  readonly model: string | undefined;
  readonly usage: RunUsage | undefined;
  readonly durationMs: number | undefined;
  readonly error: { readonly code: string; readonly message: string } | undefined;
}

/** Reads an answer from its run's log, as far as that has come. Pure. */
export function readAnswer(events: readonly Event[]): AnswerReading {
  const tools = new Map<string, ToolUse>();
  let status: RunStatus = "running";
  let model: string | undefined;
  for (const event of events) {
    status = statusAfter(event) ?? status;
    readTool(tools, event);
    if (event.type === "step.completed" && event.kind === "model") model = event.name;
  }
  const end = events.at(-1);
  const isEnded = end?.type === "run.completed" || end?.type === "run.failed" || end?.type === "run.cancelled";
  return {
    status,
    tools: [...tools.values()],
    text: end?.type === "run.completed" ? replyOf(end.output) : undefined,
    model,
    usage: isEnded ? end.usage : recordedUsage(end),
    durationMs: isEnded && events[0] !== undefined ? Date.parse(end.at) - Date.parse(events[0].at) : undefined,
    error: errorOf(end),
  };
}

function readTool(tools: Map<string, ToolUse>, event: Event): void {
  if (event.type === "policy.decided") {
    if (event.action.kind === "tool.call") tools.set(event.key, decidedUse(event, tools.get(event.key)));
    return;
  }
  const found = "key" in event ? tools.get(event.key) : undefined;
  const change = found === undefined ? undefined : changeBy(event, found);
  if (found !== undefined && change !== undefined) tools.set(found.key, { ...found, ...change });
}

function decidedUse({ key, action, decision }: Event & { readonly type: "policy.decided" }, before: ToolUse | undefined): ToolUse {
  return {
    key,
    tool: action.resource,
    input: "input" in action ? (action.input as Json) : undefined,
    state: decision.effect === "deny" ? "refused" : (before?.state ?? "running"),
    reason: decision.reason,
  };
}

function changeBy(event: Event, before: ToolUse): Partial<ToolUse> | undefined {
  if (event.type === "step.waiting") return { state: "waiting" };
  if (event.type === "approval.answered")
    return { state: event.approved ? "running" : "refused", reason: event.reason || before.reason, ...inputOf(event) };
  if (event.type === "step.completed" && event.kind === "tool")
    return { state: "completed", output: event.output, durationMs: event.durationMs };
  return event.type === "step.failed" && event.retryAt === null ? failedBy(event, before) : undefined;
}

function failedBy({ code, message, durationMs }: Event & { readonly type: "step.failed" }, before: ToolUse): Partial<ToolUse> {
  return { state: before.state === "refused" ? "refused" : "failed", error: { code, message }, durationMs };
}

/** Somebody may have put another input in its place. */
function inputOf({ edited }: Event & { readonly type: "approval.answered" }): { readonly input?: Json } {
  return edited === undefined ? {} : { input: edited.input };
}

function replyOf(output: Json): string | undefined {
  const { reply } = fieldsOf(output);
  const { content } = fieldsOf(reply);
  return typeof content === "string" ? content : undefined;
}

/** What a call that went through the gateway used: it is one event, with what was spent in its outcome. */
function recordedUsage(end: Event | undefined): RunUsage | undefined {
  if (end?.type !== "run.recorded") return undefined;
  const spend = fieldsOf(fieldsOf(end.outcome.output)["spend"]);
  const usage = fieldsOf(spend["usage"]);
  const { inputTokens, outputTokens } = usage;
  const { costUsd } = spend;
  if (typeof inputTokens !== "number" || typeof outputTokens !== "number" || typeof costUsd !== "number") return undefined;
  return { inputTokens, outputTokens, costUsd };
}

function errorOf(end: Event | undefined): AnswerReading["error"] {
  if (end?.type === "run.failed") return { code: end.code, message: end.message };
  if (end?.type === "run.cancelled") return { code: "cancelled", message: end.reason };
  if (end?.type === "run.recorded" && !end.outcome.ok) return { code: end.outcome.code, message: end.outcome.message };
  return undefined;
}
