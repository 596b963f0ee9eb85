import { insertSorted, leavesOf, type Fork, type Leaf, type Node, type Plan } from "./plan.ts";
import { shapeOf } from "./step-key.ts";
import { isWait, type Span } from "./trace.ts";

/** One thing that could be different about a workflow. Steps are meant by kind and name, forks by their key with "*" for any branch. */
export type Change =
  | { readonly type: "nothing" }
  | ({ readonly type: "faster"; readonly factor: number } & StepName)
  /** The step's work never takes longer than this; failed attempts stay as they were. */
  | ({ readonly type: "steady"; readonly durationMaxMs: number } & StepName)
  | ({ readonly type: "without-retries" } & StepName)
  | { readonly type: "more-lanes"; readonly shape: string; readonly factor: number }
  | { readonly type: "side-by-side"; readonly first: StepName; readonly second: StepName }
  | { readonly type: "without-queue" };

/** Which steps are meant. */
export interface StepName {
  readonly kind: Span["kind"];
  readonly name: string;
}

/**
 * How long a run would have taken: its recorded durations put through what followed what again, with one thing changed. What was not
 * recorded stays as it was: the workflow's own code and the engine take their time between steps, and a branch that was cut off decides
 * nothing. Pure; with "nothing", or a factor of 1, it is what the run took.
 */
export function replayPlan(plan: Plan, change: Change, queuedMs = 0): number {
  const fromMs = change.type === "without-queue" ? plan.startMs - queuedMs : plan.startMs;
  return Math.max(0, after(plan.nodes, fromMs, { change, ends: new Map(triggersIn(plan)) }) + plan.tailMs - plan.startMs);
}

/** A step's work and waits apart from the time its failed attempts and their back-off took. */
export function lossOf(span: Span): { readonly lostMs: number; readonly backoffMs: number } {
  const sum = (style: string): number =>
    span.segments.reduce((total, segment) => (segment.style === style ? total + segment.toMs - segment.fromMs : total), 0);
  return { lostMs: sum("lost"), backoffMs: isWait(span) ? 0 : sum("wait") };
}

/** How long a step took without what its failed attempts cost. */
export function workOf(span: Span): number {
  const { lostMs, backoffMs } = lossOf(span);
  return Math.max(0, span.endMs - span.startMs - lostMs - backoffMs);
}

/** One text for a kind and a name. */
export function stepId({ kind, name }: StepName): string {
  return `${kind} ${name}`;
}

/** Whether a step is one of those meant. */
export function isNamed({ kind, name }: StepName, step: StepName): boolean {
  return step.kind === kind && step.name === name;
}

/** A replay under way: the change, and by key when the steps end that others wait for. */
interface Replaying {
  readonly change: Change;
  readonly ends: Map<string, number>;
}

/** The steps of other branches that are waited for, with their recorded ends. */
function triggersIn({ nodes }: Plan): readonly (readonly [key: string, endMs: number])[] {
  return leavesOf(nodes).flatMap(({ triggers }) => triggers.map(({ key, endMs }) => [key, endMs] as const));
}

function after(nodes: readonly Node[], fromMs: number, replaying: Replaying): number {
  const { change, ends } = replaying;
  let endMs = fromMs;
  let previous: { readonly leaf: Leaf; readonly readyMs: number } | undefined;
  for (const node of nodes) {
    if (node.type === "fork") {
      endMs = afterFork(node, endMs, replaying);
      previous = undefined;
      continue;
    }
    const isBeside = previous !== undefined && isPair(previous.leaf, node, change);
    let readyMs = isBeside && previous !== undefined ? previous.readyMs : endMs;
    for (const { key } of node.triggers) readyMs = Math.max(readyMs, ends.get(key) ?? readyMs);
    const leafEndMs = readyMs + node.lagMs + durationOf(node.span, change);
    endMs = isBeside ? Math.max(endMs, leafEndMs) : leafEndMs;
    if (ends.has(node.span.key)) ends.set(node.span.key, leafEndMs);
    previous = { leaf: node, readyMs };
  }
  return endMs;
}

function afterFork(fork: Fork, fromMs: number, replaying: Replaying): number {
  const { change } = replaying;
  const isMeant = change.type === "more-lanes" && shapeOf(fork.key) === change.shape;
  const lanes = isMeant ? Math.ceil(fork.lanes * change.factor) : fork.lanes;
  const free: { readonly endMs: number }[] = [];
  let endMs = fromMs;
  // A graph's nodes are branches in an order in which none comes before one that leads to it.
  for (const [at, branch] of fork.branches.entries()) {
    const readyMs = at < lanes ? fromMs : (free.shift()?.endMs ?? fromMs);
    const branchEndMs = after(branch.nodes, readyMs, replaying);
    insertSorted(free, { endMs: branchEndMs });
    if (branch.isJoined) endMs = Math.max(endMs, branchEndMs);
  }
  return endMs;
}

function isPair(first: Leaf, second: Leaf, change: Change): boolean {
  return change.type === "side-by-side" && isNamed(change.first, first.span) && isNamed(change.second, second.span);
}

function durationOf(span: Span, change: Change): number {
  const durationMs = span.endMs - span.startMs;
  if (!("name" in change) || !isNamed(change, span)) return durationMs;
  if (change.type === "steady") return durationMs - Math.max(0, workOf(span) - change.durationMaxMs);
  if (change.type === "without-retries") return span.status === "completed" ? workOf(span) : durationMs;
  // Written so that a factor of 1 changes nothing at all, not even by rounding.
  return durationMs - Math.max(0, durationMs - lossOf(span).backoffMs) * (1 - 1 / change.factor);
}
