import { setImmediate as nextTurn } from "node:timers/promises";
import { AppError, type Event, type Json, type RunRecord } from "@tutti/core";
import type { App } from "../../host/index.ts";
import { isAsked, type AskedRuns } from "./run-filter.ts";

/** How long a text may be that is looked for. */
export const TEXT_CHARACTERS_MAX = 200;
/** Events that one request looks through; the next goes on from there. */
const EVENTS_MAX = 20_000;
/** Events looked through before others get their turn: searching runs on the event loop. */
const EVENTS_A_TURN = 5_000;
/** Later events of a found run that are looked at, to know whether an earlier page told it. */
const LATER_EVENTS_MAX = 1_000;
const CURSOR = /^p(\d{1,15})$/;
/** Where what people and workflows wrote stands in an event. */
const SEARCHED = ["runId", "workflow", "name", "input", "output", "code", "message", "reason", "value", "outcome"] as const;

/** What is looked for, among which runs, and where the page before ended. */
interface Search {
  readonly text: string;
  readonly filter: AskedRuns;
  readonly limit: number;
  readonly before: string | undefined;
}

/** A page of runs in whose log a text stands, the newest mention first. It costs those who write the log nothing: it is read, backwards. */
export async function searchRuns(
  { store }: Pick<App, "store">,
  { text, filter, limit, before }: Search,
): Promise<{ readonly runs: readonly RunRecord[]; readonly nextBefore: string | null; readonly scanned: number }> {
  const needle = needleOf(text);
  const start = before === undefined ? (await store.position()) + 1 : positionOf(before);
  const runs = new Map<string, RunRecord>();
  let scanned = 0;
  for (let at = start; ; await nextTurn()) {
    const page = await store.searchLog({ text, beforePosition: at, events: Math.min(EVENTS_A_TURN, EVENTS_MAX - scanned) });
    for (const { position, event } of page.found) {
      if (runs.has(event.runId) || !mentions(event, needle)) continue;
      if (runs.size === limit) return { runs: [...runs.values()], nextBefore: `p${position + 1}`, scanned };
      const run = await store.run(event.runId);
      if (run === undefined || !isAsked(run, filter)) continue;
      if (before !== undefined && (await isMentionedLater(store, event, needle))) continue;
      runs.set(run.id, run);
    }
    scanned += page.scanned;
    at = page.reached;
    if (page.scanned === 0) return { runs: [...runs.values()], nextBefore: null, scanned };
    if (scanned >= EVENTS_MAX) return { runs: [...runs.values()], nextBefore: `p${at}`, scanned };
  }
}

function positionOf(cursor: string): number {
  const [, position] = CURSOR.exec(cursor) ?? [];
  if (position !== undefined) return Number(position);
  throw new AppError("invalid_input", `wanted before to be the nextBefore of a search, got "${cursor.slice(0, 40)}"`);
}

/** Newer events stand on earlier pages, which told the run already. */
async function isMentionedLater(store: App["store"], { runId, seq }: Event, needle: string): Promise<boolean> {
  return (await store.read(runId, { afterSeq: seq, limit: LATER_EVENTS_MAX })).some((event) => mentions(event, needle));
}

/** A text as it stands in JSON, whatever its case. */
export function needleOf(text: string): string {
  return JSON.stringify(text.toLowerCase()).slice(1, -1);
}

/** Whether a text stands in what an event tells, not only in the names of its parts. */
export function mentions(event: Event, needle: string): boolean {
  const fields = event as unknown as Readonly<Partial<Record<(typeof SEARCHED)[number], Json>>>;
  return SEARCHED.some((name) => fields[name] !== undefined && JSON.stringify(fields[name]).toLowerCase().includes(needle));
}
