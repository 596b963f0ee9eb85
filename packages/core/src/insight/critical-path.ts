import { leavesOf, type Fork, type Leaf, type Node, type Plan } from "./plan.ts";

/** A step that decided when the run ended: a moment longer in it, a moment longer the run. */
export interface PathStep {
  readonly leaf: Leaf;
  /** How much of the run's time it is: at most its own. */
  readonly onPathMs: number;
}

/** The chain of steps from the run's start to its end, in order. Their times never overlap, so together they are no longer than the run. Pure. */
export function criticalPath({ nodes, lastKey, startMs, endMs }: Plan): readonly PathStep[] {
  const leaves = new Map(leavesOf(nodes).map((leaf) => [leaf.span.key, leaf]));
  const path: PathStep[] = [];
  let atMs = endMs;
  for (let leaf = take(leaves, lastKey); leaf !== undefined; leaf = take(leaves, leaf.beforeKey)) {
    const toMs = Math.max(startMs, Math.min(leaf.span.endMs, atMs));
    const fromMs = Math.max(startMs, Math.min(leaf.span.startMs, toMs));
    path.push({ leaf, onPathMs: toMs - fromMs });
    atMs = fromMs;
  }
  return path.reverse();
}

/** Each step once, so that a log that goes round in circles has a path too. */
function take(leaves: Map<string, Leaf>, key: string | undefined): Leaf | undefined {
  const leaf = key === undefined ? undefined : leaves.get(key);
  if (leaf !== undefined) leaves.delete(leaf.span.key);
  return leaf;
}

/** By key, how much longer each step could have taken without making the run longer; `undefined` for steps of branches that were cut off. Pure. */
export function slackOf(plan: Plan): ReadonlyMap<string, number | undefined> {
  const slack = new Map<string, number | undefined>();
  loosen(plan.nodes, plan.endMs - plan.tailMs, { slack, awaited: new Map() });
  return slack;
}

/** What is known on the way back: the slack so far, and by when steps have to end for those in other branches that wait for them. */
interface Loosening {
  readonly slack: Map<string, number | undefined>;
  readonly awaited: Map<string, number>;
}

/** Goes from the latest end a sequence may have back to the latest start. */
function loosen(nodes: readonly Node[], latestEndMs: number, state: Loosening): number {
  let latestMs = latestEndMs;
  for (const node of nodes.toReversed()) {
    if (node.type === "fork") {
      latestMs = loosenFork(node, latestMs, state);
      continue;
    }
    const { key, startMs, endMs } = node.span;
    latestMs = Math.min(latestMs, state.awaited.get(key) ?? Infinity);
    state.slack.set(key, Number.isFinite(latestMs) ? Math.max(0, latestMs - endMs) : undefined);
    latestMs -= endMs - startMs + node.lagMs;
    for (const trigger of node.triggers) state.awaited.set(trigger.key, Math.min(latestMs, state.awaited.get(trigger.key) ?? Infinity));
  }
  return latestMs;
}

function loosenFork({ branches }: Fork, latestEndMs: number, state: Loosening): number {
  const latestEnds = branches.map((branch) => (branch.isJoined ? latestEndMs : Infinity));
  let latestStartMs = latestEndMs;
  // A branch that made room for another comes before it, and so does a node of a graph that leads to another.
  for (const [at, branch] of [...branches.entries()].toReversed()) {
    const latestMs = loosen(branch.nodes, latestEnds[at] ?? latestEndMs, state);
    if (branch.after === undefined) latestStartMs = Math.min(latestStartMs, latestMs);
    else latestEnds[branch.after] = Math.min(latestEnds[branch.after] ?? Infinity, latestMs);
  }
  return latestStartMs;
}
