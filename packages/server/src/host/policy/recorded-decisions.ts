import { AppError, type Action, type Decision, type Event, type Json, type Store } from "@tutti/core";

/** A decision as some run's log has it. */
export interface RecordedDecision {
  readonly runId: string;
  readonly key: string;
  readonly at: string;
  readonly action: Action;
  readonly decision: Decision;
  readonly policyHash: string;
}

/** One event of the log: where it stands, and the decision in it, if there is one. */
export interface LogEntry {
  readonly position: number;
  readonly at: string;
  readonly recorded: RecordedDecision | undefined;
}

/** Events read at once. */
const PAGE = 1_000;
/** Positions of a log have fewer bits than this. */
const HALVINGS_MAX = 53;
/** Nodes' clocks may differ by so much. */
const CLOCKS_APART_MS = 60_000;
/** Larger inputs are not fetched: what looks at them cannot be told. */
const INPUT_BYTES_MAX = 1_048_576;

/** The decision that an event records; the one that people's approval came to repeats the one that asked, and is left out. */
export function recordedDecision(event: Event): RecordedDecision | undefined {
  if (event.type !== "policy.decided" && event.type !== "run.recorded") return undefined;
  if (event.type === "policy.decided" && event.approved !== undefined) return undefined;
  const { runId, key, at, action, decision, policyHash } = event;
  return { runId, key, at, action, decision, policyHash };
}

/** The log after a position, without an end of its own: one page is in memory at a time. */
export async function* logAfter(store: Store, afterPosition: number): AsyncGenerator<LogEntry> {
  let after = afterPosition;
  for (;;) {
    const page = await store.log({ afterPosition: after, limit: PAGE });
    for (const { position, event } of page) yield { position, at: event.at, recorded: recordedDecision(event) };
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE) return;
    after = last.position;
  }
}

/** The position before the first event of a moment or later, found by halving: logs have no index by time, but are in its order. */
export async function positionBefore(store: Store, sinceMs: number): Promise<number> {
  const isBefore = async (position: number): Promise<boolean> => {
    const [next] = await store.log({ afterPosition: position, limit: 1 });
    return next !== undefined && Date.parse(next.event.at) < sinceMs - CLOCKS_APART_MS;
  };
  let low = 0;
  let high = 1;
  for (let count = 0; count < HALVINGS_MAX && (await isBefore(high)); count += 1) {
    low = high;
    high *= 2;
  }
  for (let count = 0; count < HALVINGS_MAX && high - low > 1; count += 1) {
    const middle = Math.floor((low + high) / 2);
    if (await isBefore(middle)) low = middle;
    else high = middle;
  }
  return low;
}

/** A recorded action with its input in place, however large inputs are kept; without its input when it is too large to look at. */
export async function wholeAction(store: Store, action: Action): Promise<Action> {
  const { input, ...rest } = action;
  if (input === undefined || !isReference(input)) return action;
  if (input.sizeBytes > INPUT_BYTES_MAX) return rest;
  try {
    return { ...rest, input: JSON.parse(await store.getBlob(input)) as Json };
  } catch (error) {
    // Old runs' values may have been removed.
    if (AppError.from(error).code === "not_found") return rest;
    throw error;
  }
}

function isReference(value: Json): value is { readonly $blob: string; readonly sizeBytes: number } {
  return typeof value === "object" && value !== null && "$blob" in value && "sizeBytes" in value && typeof value.sizeBytes === "number";
}
