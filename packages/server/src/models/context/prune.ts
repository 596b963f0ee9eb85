import { AppError } from "@tutti/core";
import type { Message, ModelRequest } from "@tutti/core/model";
import { noteOf, transcriptOf } from "./left-out.ts";
import { unitsOf, type Unit } from "./units.ts";

/** How a conversation is made to fit. */
export interface PruneOptions {
  readonly tokensMax: number;
  /** The tokens of a request; more turns never count for fewer. */
  readonly count: (request: ModelRequest) => number;
  /** Asks a model for a summary of so many tokens at most. */
  readonly summarize?: (leftOut: readonly Message[], tokensMax: number, signal: AbortSignal) => Promise<string>;
  /** Picks the most telling sentences of a text: without `summarize`, or where that fails. */
  readonly extract?: (text: string) => Promise<string> | string;
}

/** A conversation that fits. */
export interface Pruned {
  readonly request: ModelRequest;
  readonly droppedMessages: number;
  /** What the turn in their place says of them. */
  readonly summary?: string;
  readonly summaryBy?: "model" | "extract";
}

/** How much of the room a summary may take, and its most tokens. */
const SUMMARY_SHARE = 0.15;
const SUMMARY_TOKENS_MAX = 1_000;
/** How much of what was left out is read for sentences. */
const EXTRACTED_CHARACTERS_MAX = 20_000;
/** A summary is not cut below this: then only the note stays. */
const SUMMARY_CHARACTERS_MIN = 10;
/** A tool result is not cut below this. */
const RESULT_CHARACTERS_MIN = 200;

/**
 * Makes a conversation fit: system turns and the newest turns stay, tool calls stay with their results, and one marked turn stands in the
 * place of the rest and sums it up. Throws `too_large` when what has to stay does not fit.
 */
export async function prune(request: ModelRequest, options: PruneOptions, signal: AbortSignal): Promise<Pruned> {
  if (options.count(request) <= options.tokensMax) return { request, droppedMessages: 0 };
  const units = unitsOf(request.messages);
  const summaryTokens = Math.min(SUMMARY_TOKENS_MAX, Math.floor(options.tokensMax * SUMMARY_SHARE));
  const roomy = firstKept(request, units, { ...options, tokensMax: options.tokensMax - summaryTokens });
  const from = roomy ?? firstKept(request, units, options);
  if (from === undefined) return shortened(request, units, options);
  const leftOut = messagesOf(units.slice(0, from).filter(({ isSystem }) => !isSystem));
  const summed = roomy === undefined ? { summary: "", by: undefined } : await summaryOf(leftOut, { ...options, summaryTokens }, signal);
  return fitted({ request, units, from, leftOut, ...summed }, options);
}

/** The least index from which all units fit, beside the system turns and a note; `undefined` when not even the last does. */
function firstKept(request: ModelRequest, units: readonly Unit[], { count, tokensMax }: PruneOptions): number | undefined {
  const fits = (from: number): boolean => count(assembled({ request, units, from })) <= tokensMax;
  let [low, high] = [1, lastTurn(units)];
  if (high < 1 || !fits(high)) return undefined;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (fits(middle)) high = middle;
    else low = middle + 1;
  }
  return high;
}

/** The newest unit that is no system turn: it is what is to be answered. */
function lastTurn(units: readonly Unit[]): number {
  return units.findLastIndex(({ isSystem }) => !isSystem);
}

/** A request in units, of which those before `from` are left out, but for system turns. */
interface Split {
  readonly request: ModelRequest;
  readonly units: readonly Unit[];
  readonly from: number;
}

/** The request with a note in the place of what is left out. */
function assembled({ request, units, from }: Split, summary = ""): ModelRequest {
  const before = units.slice(0, from);
  const leftOut = messagesOf(before.filter(({ isSystem }) => !isSystem));
  const kept = [...messagesOf(before.filter(({ isSystem }) => isSystem)), ...(leftOut.length === 0 ? [] : [noteOf(leftOut, summary)])];
  return { ...request, messages: [...kept, ...messagesOf(units.slice(from))] };
}

function messagesOf(units: readonly Unit[]): readonly Message[] {
  return units.flatMap(({ messages }) => messages);
}

interface Summing extends PruneOptions {
  readonly summaryTokens: number;
}

async function summaryOf(
  leftOut: readonly Message[],
  { summarize, extract, summaryTokens }: Summing,
  signal: AbortSignal,
): Promise<{ readonly summary: string; readonly by: Pruned["summaryBy"] }> {
  if (summarize !== undefined) {
    try {
      return { summary: (await summarize(leftOut, summaryTokens, signal)).trim(), by: "model" };
    } catch {
      // A summary is worth less than the answer that waits for it; only who gave up is not kept waiting.
      signal.throwIfAborted();
    }
  }
  const text = transcriptOf(leftOut, EXTRACTED_CHARACTERS_MAX);
  if (extract === undefined || text === "") return { summary: "", by: undefined };
  return { summary: (await extract(text)).trim(), by: "extract" };
}

interface Summed extends Split {
  readonly leftOut: readonly Message[];
  readonly summary: string;
  readonly by: Pruned["summaryBy"];
}

/** The request with as much of its summary as fits. */
function fitted({ leftOut, summary, by, ...split }: Summed, { count, tokensMax }: PruneOptions): Pruned {
  const cutTo = (length: number): string => (length >= summary.length ? summary : `${summary.slice(0, length).toWellFormed().trimEnd()}…`);
  const fits = (length: number): boolean => count(assembled(split, cutTo(length))) <= tokensMax;
  let [low, high] = [0, summary.length];
  if (fits(high)) low = high;
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (fits(middle)) low = middle;
    else high = middle - 1;
  }
  if (low < Math.min(SUMMARY_CHARACTERS_MIN, summary.length) || summary === "")
    return { request: assembled(split), droppedMessages: leftOut.length };
  return {
    request: assembled(split, cutTo(low)),
    droppedMessages: leftOut.length,
    summary: cutTo(low),
    ...(by !== undefined && { summaryBy: by }),
  };
}

/** Where the newest turn alone is too much: its tool results are cut in their middle. */
function shortened(request: ModelRequest, units: readonly Unit[], { count, tokensMax }: PruneOptions): Pruned {
  const last = lastTurn(units);
  const unit = units[last];
  const longest = Math.max(0, ...(unit?.messages ?? []).map(({ role, content }) => (role === "tool" ? content.length : 0)));
  const leftOut = messagesOf(units.slice(0, last).filter(({ isSystem }) => !isSystem));
  for (let length = Math.floor(longest / 2); unit !== undefined && length >= RESULT_CHARACTERS_MIN; length = Math.floor(length / 2)) {
    const cut = { ...unit, messages: unit.messages.map((message) => (message.role === "tool" ? middleCut(message, length) : message)) };
    const pruned = assembled({ request, units: units.with(last, cut), from: last });
    if (count(pruned) <= tokensMax) return { request: pruned, droppedMessages: leftOut.length };
  }
  const least = count(last < 0 ? request : assembled({ request, units, from: last }));
  throw new AppError(
    "too_large",
    `wanted a conversation that can be shortened to ${tokensMax} tokens, got ${least} in its system turns and its newest turn alone; shorten those or use a model with a larger context`,
  );
}

function middleCut(message: Message, length: number): Message {
  const { content } = message;
  if (content.length <= length) return message;
  const half = Math.floor(length / 2);
  const { parts: _, ...rest } = message;
  const [head, tail] = [content.slice(0, half).toWellFormed(), content.slice(-half).toWellFormed()];
  return { ...rest, content: `${head}\n[… ${content.length - 2 * half} characters left out …]\n${tail}` };
}
