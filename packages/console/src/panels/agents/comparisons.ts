import { AppError, type Json } from "@tutti/core";
import { fieldsOf } from "../../parts/json-fields.ts";
import type { AnswerReading } from "./answer-reading.ts";
import { NOTHING_ASKED, type CompletionState } from "./completion-state.ts";

/** One prompt and the answers of both sides, as they are kept. */
export interface Comparison {
  /** It stands in the address. */
  readonly id: string;
  readonly askedAt: string;
  readonly prompt: string;
  readonly a: CompletionState;
  readonly b: CompletionState;
}

/** Comparisons that are kept: the oldest go first, and sooner where all would be longer than a saved view may be. */
const KEPT_MAX = 50;
const CHARACTERS_MAX = 60_000;
/** Of each prompt and each answer. */
const TEXT_CHARACTERS_MAX = 12_000;
/** No answer comes for longer. */
const OPEN_MAX_MS = 600_000;

/** The comparisons in a saved view; what is odd in it is left out. Pure. */
export function readComparisons(value: Json): readonly Comparison[] {
  const all = fieldsOf(value)["comparisons"];
  return (Array.isArray(all) ? (all as readonly Json[]) : []).flatMap((one): readonly Comparison[] => {
    const { id, askedAt, prompt, a, b } = fieldsOf(one);
    if (typeof id !== "string" || typeof askedAt !== "string" || typeof prompt !== "string") return [];
    return [{ id, askedAt, prompt, a: sideOf(a), b: sideOf(b) }];
  });
}

/** The comparisons with one more, or with what one has become, as they are saved. Pure. */
export function withComparison(before: readonly Comparison[], one: Comparison): Json {
  const all = [one, ...before.filter(({ id }) => id !== one.id)].slice(0, KEPT_MAX).map(kept);
  while (all.length > 0 && JSON.stringify(all).length > CHARACTERS_MAX) all.pop();
  return { comparisons: JSON.parse(JSON.stringify(all)) as Json };
}

/** A side as the log of its run tells it: an agent's is all there, of a model's call only how it ended. Pure. */
export function sideFromLog(side: CompletionState, reading: AnswerReading): CompletionState {
  const { status, usage, error, durationMs } = reading;
  const facts: CompletionState = {
    ...side,
    text: reading.text ?? side.text,
    inputTokens: usage?.inputTokens ?? side.inputTokens,
    outputTokens: usage?.outputTokens ?? side.outputTokens,
    totalMs: side.totalMs ?? durationMs,
  };
  if (status === "failed" && error !== undefined && error.code !== "cancelled")
    return { ...facts, phase: "failed", error: AppError.revive(error.code, error.message) };
  if (status === "failed" || status === "cancelled") return { ...facts, phase: "stopped" };
  // A call of a model has a log only once it has ended, and that does not hold its words.
  if (status === "completed") return { ...facts, phase: side.isAgent ? "done" : "stopped" };
  return { ...facts, phase: "open" };
}

/** Whether an answer of which no end is known may still come. Pure. */
export function mayStillCome({ askedAt }: Comparison, nowMs: number): boolean {
  return nowMs - Date.parse(askedAt) < OPEN_MAX_MS;
}

function sideOf(value: Json | undefined): CompletionState {
  const { model, isAgent, runId, phase, text, thoughts, error, ...rest } = fieldsOf(value);
  const side: CompletionState = {
    ...NOTHING_ASKED,
    model: wordsOf(model),
    isAgent: isAgent === true,
    runId: typeof runId === "string" ? runId : null,
    text: wordsOf(text),
    thoughts: wordsOf(thoughts),
    firstMs: numberOf(rest["firstMs"]),
    totalMs: numberOf(rest["totalMs"]),
    inputTokens: numberOf(rest["inputTokens"]),
    outputTokens: numberOf(rest["outputTokens"]),
  };
  if (phase === "open" || phase === "done" || phase === "stopped") return { ...side, phase };
  if (phase !== "failed") return side;
  const { code, message } = fieldsOf(error);
  return { ...side, phase, error: AppError.revive(wordsOf(code), wordsOf(message)) };
}

function wordsOf(value: Json | undefined): string {
  return typeof value === "string" ? value : "";
}

function numberOf(value: Json | undefined): number | undefined {
  return typeof value === "number" ? value : undefined;
}

/** As JSON: what is undefined is left out of that. */
function kept({ prompt, a, b, ...rest }: Comparison): object {
  return { ...rest, prompt: cut(prompt), a: keptSide(a), b: keptSide(b) };
}

function keptSide({ text, thoughts, ...rest }: CompletionState): object {
  const words = { text: cut(text), thoughts: cut(thoughts) };
  if (rest.phase !== "failed") return { ...rest, ...words };
  const { code, message } = rest.error;
  return { ...rest, ...words, error: { code, message } };
}

function cut(text: string): string {
  return text.length <= TEXT_CHARACTERS_MAX ? text : `${text.slice(0, TEXT_CHARACTERS_MAX - 1)}…`;
}
