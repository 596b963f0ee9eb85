import type { Branch, Fork, Leaf, Node, Plan } from "./plan.ts";

/** A step that decided when the run ended: a moment longer in it, a moment longer the run. */
export interface PathStep {
  readonly leaf: Leaf;
  /** How much of the run's time it is: at most its own. */
  readonly onPathMs: number;
}

/** The chain of steps from the run's start to its end, in order. Their times never overlap, so together they are no longer than the run. Pure. */
export function criticalPath(plan: Plan): readonly PathStep[] {
  const path: PathStep[] = [];
  walk(plan.nodes, { atMs: plan.endMs, startMs: plan.startMs }, path);
  return path.reverse();
}

/** By key, how much longer each step could have taken without making the run longer; `undefined` for steps of branches that were cut off. Pure. */
export function slackOf(plan: Plan): ReadonlyMap<string, number | undefined> {
  const slack = new Map<string, number | undefined>();
  loosen(plan.nodes, plan.endMs - plan.tailMs, slack);
  return slack;
}

/** How far back a walk has come, and where it ends. */
interface Cursor {
  readonly atMs: number;
  readonly startMs: number;
}

/** Goes back to the start of a sequence; returns where that is. */
function walk(nodes: readonly Node[], cursor: Cursor, path: PathStep[]): Cursor {
  const { startMs } = cursor;
  let { atMs } = cursor;
  for (const node of nodes.toReversed()) {
    if (node.type === "fork") {
      ({ atMs } = walkFork(node, { atMs, startMs }, path));
      continue;
    }
    const toMs = Math.max(startMs, Math.min(node.span.endMs, atMs));
    const fromMs = Math.max(startMs, Math.min(node.span.startMs, toMs));
    path.push({ leaf: node, onPathMs: toMs - fromMs });
    atMs = fromMs;
  }
  return { atMs, startMs };
}

function walkFork({ branches }: Fork, cursor: Cursor, path: PathStep[]): Cursor {
  let at = cursor;
  let branch = lastToEnd(branches);
  while (branch !== undefined) {
    at = walk(branch.nodes, at, path);
    branch = branch.after === undefined ? undefined : branches[branch.after];
  }
  return at;
}

function lastToEnd(branches: readonly Branch[]): Branch | undefined {
  let last: Branch | undefined;
  for (const branch of branches) if (branch.isJoined && (last === undefined || branch.endMs > last.endMs)) last = branch;
  return last;
}

/** Goes from the latest end a sequence may have back to the latest start. */
function loosen(nodes: readonly Node[], latestEndMs: number, slack: Map<string, number | undefined>): number {
  let latestMs = latestEndMs;
  for (const node of nodes.toReversed()) {
    if (node.type === "fork") {
      latestMs = loosenFork(node, latestMs, slack);
      continue;
    }
    const { key, startMs, endMs } = node.span;
    slack.set(key, Number.isFinite(latestMs) ? Math.max(0, latestMs - endMs) : undefined);
    latestMs -= endMs - startMs + node.lagMs;
  }
  return latestMs;
}

function loosenFork({ branches }: Fork, latestEndMs: number, slack: Map<string, number | undefined>): number {
  const latestEnds = branches.map((branch) => (branch.isJoined ? latestEndMs : Infinity));
  let latestStartMs = latestEndMs;
  // A branch that made room for another comes before it.
  for (const [at, branch] of [...branches.entries()].toReversed()) {
    const latestMs = loosen(branch.nodes, latestEnds[at] ?? latestEndMs, slack);
    if (branch.after === undefined) latestStartMs = Math.min(latestStartMs, latestMs);
    else latestEnds[branch.after] = Math.min(latestEnds[branch.after] ?? Infinity, latestMs);
  }
  return latestStartMs;
}
