import type { GraphRun, Trigger } from "./graph-run.ts";
import { placesOf } from "./step-key.ts";
import { isOpen, type Span } from "./trace.ts";

/** A run's steps as what followed what: places one after the other, some of which fork into branches. */
export interface Plan {
  readonly nodes: readonly Node[];
  /** The step that ended last. */
  readonly lastKey: string | undefined;
  /** From the last step's end to the run's. */
  readonly tailMs: number;
  readonly startMs: number;
  readonly endMs: number;
}

/** One place of a branch. */
export type Node = Leaf | Fork;

/** A step. `lagMs` is the time between the end of what it followed and its start: the engine's and the workflow's own code. */
export interface Leaf {
  readonly type: "step";
  readonly span: Span;
  readonly lagMs: number;
  /** The step whose end it followed. */
  readonly beforeKey: string | undefined;
  /** Steps of other branches that it waited for, as a graph's edges tell. */
  readonly triggers: readonly Trigger[];
}

/** Branches that began together, or, where `lanes` is smaller than their number, as others ended. */
export interface Fork {
  readonly type: "fork";
  readonly key: string;
  readonly startMs: number;
  readonly endMs: number;
  readonly lanes: number;
  readonly branches: readonly Branch[];
}

/** One branch. */
interface Branch {
  readonly index: number;
  readonly nodes: readonly Node[];
  /** False when it was cut off: it lost a race, or another one failed. */
  readonly isJoined: boolean;
  /** When it could begin, and when its last step ended. */
  readonly readyMs: number;
  readonly endMs: number;
  /** The branch (its place in `branches`) whose end made room for this one. */
  readonly after: number | undefined;
  readonly lastKey: string | undefined;
}

/** When a run began and ended, or how far it is, and what is known of it as the run of a graph. */
interface Extent {
  readonly startMs: number;
  readonly endMs: number;
  readonly hasEnded: boolean;
  readonly graph?: Pick<GraphRun, "triggers" | "nodeForks"> | undefined;
}

/** Finds what followed what, from the steps' keys and times, and from the edges of a graph. Pure. */
export function planOf(spans: readonly Span[], { startMs, endMs, hasEnded, graph = CODE }: Extent): Plan {
  const main = newDraft();
  const rest = newDraft();
  for (const span of spans) insert(main, span, placesOf(span.key));
  // What has no place in the workflow's code came after it.
  const others = spans.filter(({ key }) => placesOf(key) === undefined).toSorted((a, b) => a.startMs - b.startMs);
  for (const [index, span] of others.entries()) insert(rest, span, [index]);
  const within = { keyPrefix: "", overMs: hasEnded ? endMs : undefined, graph };
  const first = sequence(main, { ...within, readyMs: startMs, beforeKey: undefined });
  const second = sequence(rest, { ...within, readyMs: first.endMs, beforeKey: first.lastKey });
  return { nodes: [...first.nodes, ...second.nodes], lastKey: second.lastKey, tailMs: endMs - second.endMs, startMs, endMs };
}

/** A workflow in code: what waits for what is told by the keys alone. */
const CODE: Pick<GraphRun, "triggers" | "nodeForks"> = { triggers: new Map(), nodeForks: new Set() };

/** All steps of a plan, in order. */
export function leavesOf(nodes: readonly Node[]): readonly Leaf[] {
  return nodes.flatMap((node) => (node.type === "step" ? [node] : node.branches.flatMap((branch) => leavesOf(branch.nodes))));
}

/** All forks of a plan, outer ones first. */
export function forksOf(nodes: readonly Node[]): readonly Fork[] {
  return nodes.flatMap((node) => (node.type === "fork" ? [node, ...node.branches.flatMap((branch) => forksOf(branch.nodes))] : []));
}

/** A branch while its steps are sorted into it. */
interface Draft {
  readonly places: Map<number, Place>;
  startMs: number;
  endMs: number;
  hasOpen: boolean;
}

/** A place while it is filled; a well-formed log has either a step or branches there. */
interface Place {
  span: Span | undefined;
  startMs: number;
  readonly branches: Map<number, Draft>;
}

function newDraft(): Draft {
  return { places: new Map(), startMs: Infinity, endMs: 0, hasOpen: false };
}

function insert(root: Draft, span: Span, places: readonly number[] = []): void {
  let draft = root;
  for (const [depth, place] of places.entries()) {
    if (depth % 2 === 1) continue;
    draft.startMs = Math.min(draft.startMs, span.startMs);
    draft.endMs = Math.max(draft.endMs, span.endMs);
    draft.hasOpen ||= isOpen(span);
    const at = draft.places.get(place) ?? { span: undefined, startMs: Infinity, branches: new Map<number, Draft>() };
    draft.places.set(place, at);
    at.startMs = Math.min(at.startMs, span.startMs);
    const branch = places[depth + 1];
    if (branch === undefined) at.span = span;
    else {
      draft = at.branches.get(branch) ?? newDraft();
      at.branches.set(branch, draft);
    }
  }
}

/** Where a sequence stands: what its keys begin with, what it followed, and by when it was over, if it was. */
interface Within {
  readonly keyPrefix: string;
  readonly readyMs: number;
  readonly beforeKey: string | undefined;
  readonly overMs: number | undefined;
  readonly graph: Pick<GraphRun, "triggers" | "nodeForks">;
}

interface Sequence {
  readonly nodes: readonly Node[];
  readonly endMs: number;
  readonly lastKey: string | undefined;
}

function sequence({ places }: Draft, within: Within): Sequence {
  const inOrder = [...places].toSorted(([a], [b]) => a - b);
  const nodes: Node[] = [];
  let at = { readyMs: within.readyMs, beforeKey: within.beforeKey };
  for (const [index, [place, { span, branches }]] of inOrder.entries()) {
    if (span !== undefined) {
      const leaf = leafOf(span, { ...within, ...at });
      nodes.push(leaf);
      at = { readyMs: leaf.span.endMs, beforeKey: span.key };
    }
    if (branches.size === 0) continue;
    const overMs = inOrder[index + 1]?.[1].startMs ?? within.overMs;
    const fork = forkOf(branches, { ...within, ...at, keyPrefix: `${within.keyPrefix}${place}`, overMs });
    nodes.push(fork);
    at = { readyMs: fork.endMs, beforeKey: lastToEnd(fork.branches)?.lastKey ?? at.beforeKey };
  }
  return { nodes, endMs: at.readyMs, lastKey: at.beforeKey };
}

function leafOf(span: Span, { readyMs, beforeKey, overMs, graph }: Within): Leaf {
  const isCut = isOpen(span) && overMs !== undefined && overMs < span.endMs;
  const triggers = graph.triggers.get(span.key) ?? [];
  let before = { key: beforeKey, endMs: readyMs };
  for (const trigger of triggers) if (trigger.endMs > before.endMs) before = trigger;
  return {
    type: "step",
    span: isCut ? cutAt(span, overMs) : span,
    lagMs: span.startMs - before.endMs,
    beforeKey: before.key,
    triggers,
  };
}

/** The branch that decided when its fork was over. */
function lastToEnd(branches: readonly Branch[]): Branch | undefined {
  let last: Branch | undefined;
  for (const branch of branches) if (branch.isJoined && (last === undefined || branch.endMs > last.endMs)) last = branch;
  return last;
}

function cutAt(span: Span, atMs: number): Span {
  const endMs = Math.max(span.startMs, atMs);
  const segments = span.segments.map(({ style, fromMs, toMs }) => ({
    style,
    fromMs: Math.min(fromMs, endMs),
    toMs: Math.min(toMs, endMs),
  }));
  return { ...span, endMs, segments };
}

function forkOf(drafts: ReadonlyMap<number, Draft>, within: Within): Fork {
  const { keyPrefix: key, readyMs, overMs, graph } = within;
  const inOrder = [...drafts].toSorted(([a], [b]) => a - b);
  // Once the run has gone on, a branch that still has an open step was cut off.
  const isCut = (draft: Draft): boolean => overMs !== undefined && draft.hasOpen;
  const joined = inOrder.filter(([, draft]) => !isCut(draft));
  const endMs = joined.length === 0 ? (overMs ?? readyMs) : joined.reduce((latest, [, draft]) => Math.max(latest, draft.endMs), readyMs);
  const lanes = graph.nodeForks.has(key) ? inOrder.length : lanesOf(inOrder.map(([, draft]) => draft));
  const free: { readonly endMs: number; readonly branch: number; readonly lastKey: string | undefined }[] = [];
  const branches = inOrder.map(([index, draft], at): Branch => {
    const freed = at < lanes ? undefined : free.shift();
    const branch = sequence(draft, {
      ...within,
      keyPrefix: `${key}.${index}.`,
      ...(freed !== undefined && { readyMs: freed.endMs, beforeKey: freed.lastKey }),
      overMs: overMs === undefined ? undefined : endMs,
    });
    insertSorted(free, { endMs: branch.endMs, branch: at, lastKey: branch.lastKey });
    const isJoined = joined.length === 0 || !isCut(draft);
    return { ...branch, index, isJoined, readyMs: freed?.endMs ?? readyMs, after: freed?.branch };
  });
  return { type: "fork", key, startMs: readyMs, endMs, lanes, branches };
}

/** Puts an end where it belongs among the others, the earliest first. */
export function insertSorted<T extends { readonly endMs: number }>(ends: T[], end: T): void {
  let low = 0;
  for (let high = ends.length; low < high;) {
    const middle = (low + high) >> 1;
    if ((ends[middle]?.endMs ?? 0) <= end.endMs) low = middle + 1;
    else high = middle;
  }
  ends.splice(low, 0, end);
}

/** Starts are whole ms and durations are not, so what seems to overlap by less than this may have come one after the other. */
const CLOCK_MS = 1;

/** How many branches ran at once; all of them when none had to wait for another's end. */
function lanesOf(drafts: readonly Draft[]): number {
  const firstStartMs = drafts.reduce((first, { startMs }) => Math.min(first, startMs), Infinity);
  const firstEndMs = drafts.reduce((first, { endMs }) => Math.min(first, endMs), Infinity);
  const atOnceMs = Math.max(firstStartMs + CLOCK_MS, firstEndMs - CLOCK_MS);
  const atOnce = drafts.filter(({ startMs }) => startMs <= atOnceMs).length;
  return Math.max(1, atOnce, overlapOf(drafts));
}

function overlapOf(drafts: readonly Draft[]): number {
  const turns = drafts
    .filter(({ startMs, endMs }) => endMs - startMs > CLOCK_MS)
    .flatMap(({ startMs, endMs }) => [
      { atMs: startMs + CLOCK_MS, change: 1 },
      { atMs: endMs, change: -1 },
    ])
    .toSorted((a, b) => a.atMs - b.atMs || a.change - b.change);
  let now = 0;
  let most = 0;
  for (const { change } of turns) {
    now += change;
    most = Math.max(most, now);
  }
  return most;
}
