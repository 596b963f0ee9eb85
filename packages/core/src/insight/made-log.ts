import type { Event, EventBody, StepKind } from "../event.ts";
import type { Json } from "../json.ts";

/** When made logs begin, in ms since 1970. */
export const ORIGIN_MS = Date.parse("2026-03-01T08:00:00.000Z");
/** A moment of a made log. */
export const time = (ms: number): string => new Date(ORIGIN_MS + ms).toISOString();
/** Who started made runs. */
export const owner = { id: "owner", tenant: "default", roles: ["owner"] };

/** An event and when it was. */
export type Entry = readonly [atMs: number, body: EventBody];

/** How most made logs begin. */
export const started = { type: "run.started", workflow: "test", version: "1", input: null, principal: owner } as const satisfies EventBody;
/** A log of such events. */
export const log = (...entries: readonly Entry[]): readonly Event[] =>
  entries.map(([atMs, body], index) => ({ ...body, runId: "run-1", seq: index + 1, at: time(atMs), hash: "" }));

interface Done {
  readonly key: string;
  readonly name: string;
  readonly kind?: StepKind;
  readonly fromMs: number;
  readonly tookMs: number;
  readonly output?: Json;
}

/** A step that worked. */
export const done = ({ key, name, kind = "step", fromMs, tookMs, output = null }: Done): Entry => [
  fromMs + tookMs,
  { type: "step.completed", key, kind, name, attempt: 1, startedAt: time(fromMs), durationMs: tookMs, output },
];

/** A workflow as a plan of durations: what the insight has to find out from the log alone. */
export type Work =
  | { readonly name: string; readonly tookMs: number }
  | { readonly lanes: number; readonly branches: readonly (readonly Work[])[] };

/** Runs a plan on a virtual clock, as the engine would: branches take the next free lane in their order. */
function run(works: readonly Work[], start: { readonly prefix: string; readonly fromMs: number }, entries: Entry[]): number {
  let atMs = start.fromMs;
  for (const [place, work] of works.entries()) {
    const key = `${start.prefix}${place}`;
    if ("name" in work) {
      entries.push(done({ key, name: work.name, fromMs: atMs, tookMs: work.tookMs }));
      atMs += work.tookMs;
      continue;
    }
    const free = Array.from({ length: work.lanes }, () => atMs);
    for (const [branch, inside] of work.branches.entries()) {
      const lane = free.indexOf(Math.min(...free));
      free[lane] = run(inside, { prefix: `${key}.${branch}.`, fromMs: free[lane] ?? atMs }, entries);
    }
    atMs = Math.max(...free);
  }
  return atMs;
}

/** The log of a workflow that takes exactly as long as its plan says. */
export function logOf(works: readonly Work[]): readonly Event[] {
  const entries: Entry[] = [];
  const endMs = run(works, { prefix: "", fromMs: 0 }, entries);
  return log([0, started], ...entries.toSorted(([a], [b]) => a - b), [endMs, { type: "run.completed", output: null }]);
}

/** The log of a graph whose nodes take so many ms each, and begin when those that lead to them have ended. */
export function graphLogOf(nodes: readonly { readonly tookMs: number; readonly from: readonly number[] }[]): readonly Event[] {
  const graph = {
    name: "made",
    version: "1",
    nodes: Object.fromEntries(nodes.map((_, index) => [`n${index}`, { type: "tool", tool: "work", input: null }])),
    edges: nodes.flatMap(({ from }, index) => from.map((source) => ({ from: `n${source}`, to: `n${index}` }))),
  };
  const ends: number[] = [];
  const entries: Entry[] = [];
  for (const [index, { tookMs, from }] of nodes.entries()) {
    const fromMs = Math.max(0, ...from.map((source) => ends[source] ?? 0));
    const key = `0.0.0.${index}.0.0`;
    entries.push(done({ key: `${key}.0`, name: `n${index}`, fromMs, tookMs: 0, output: { input: null } }));
    entries.push(done({ key: `${key}.1`, kind: "tool", name: "work", fromMs, tookMs }));
    ends.push(fromMs + tookMs);
  }
  const endMs = Math.max(0, ...ends);
  const start: EventBody = { ...started, workflow: "tutti.graph", input: { graph, input: null } };
  return log([0, start], ...entries.toSorted(([a], [b]) => a - b), [endMs, { type: "run.completed", output: null }]);
}
