import { forksOf, leavesOf, type Fork, type Leaf, type Node } from "./plan.ts";
import type { RunReading } from "./read-run.ts";
import { isNamed, stepId, type Change, type StepName } from "./replay.ts";
import { shapeOf } from "./step-key.ts";
import { isWait, type Span } from "./trace.ts";
import { inWords } from "./words.ts";
import type { Cause, NameInsight } from "./causes.ts";

/** Steps with the largest share that are looked at, and as many forks and neighbours. */
const LOOKED_AT_MAX = 5;
const FACTOR = 2;
/** A step whose slow runs take this many times what it usually takes is unsteady, if it ran often enough to say so. */
const UNSTEADY_FACTOR = 2;
const UNSTEADY_COUNT_MIN = 5;

/** One thing that could be different, in words. */
export interface Proposal {
  readonly change: Change;
  readonly title: string;
  readonly assumption?: string;
}

/** What there is to know about a workflow's completed runs when looking for what would help. */
interface Findings {
  readonly readings: readonly RunReading[];
  readonly slow: readonly Cause[];
  readonly names: readonly NameInsight[];
}

/** What might help; an estimate tells how much. */
export function proposals({ readings, slow, names }: Findings): readonly Proposal[] {
  const steps = slow.filter(isWorthIt).slice(0, LOOKED_AT_MAX);
  return [
    ...steps.flatMap((step) => ofStep(step, names)),
    ...ofForks(readings),
    // A graph's nodes run at the same time already, wherever no edge lies between them.
    ...ofNeighbours(readings.filter(({ isGraph }) => !isGraph)),
    ...(slow.some(({ type }) => type === "queue") ? [withoutQueue] : []),
  ];
}

/** A step made some times faster. */
export function faster(step: StepName, factor: number): Proposal {
  return { change: { type: "faster", kind: step.kind, name: step.name, factor }, title: fasterTitle(step, factor) };
}

const withoutQueue: Proposal = {
  change: { type: "without-queue" },
  title: "Give runs a place at once: raise the concurrency of their queue",
  assumption: "the machine has room for more runs at once",
};

function fasterTitle({ kind, name }: StepName, factor: number): string {
  if (kind === "sleep") return `Sleep ${factor} times shorter`;
  if (kind === "signal") return `Send the signal "${name}" after 1/${factor} of the time`;
  if (kind === "approval") return `Answer "${name}" after 1/${factor} of the time`;
  return `Make ${nounOf(kind)} "${name}" ${factor} times faster`;
}

function nounOf(kind: Span["kind"]): string {
  return kind === "workflow" ? "the child run" : `the ${kind}`;
}

function ofStep({ kind, name }: StepName, names: readonly NameInsight[]): readonly Proposal[] {
  const step = { kind, name };
  const known = names.find((one) => isNamed(step, one));
  const found = [faster(step, FACTOR)];
  if (known === undefined || isWait(step)) return found;
  const { work, count, failedAttempts } = known;
  if (failedAttempts > 0)
    found.push({
      change: { type: "without-retries", ...step },
      title: `Make ${nounOf(kind)} "${name}" work at its first attempt (${failedAttempts} failed)`,
    });
  if (count >= UNSTEADY_COUNT_MIN && work.p95Ms > work.p50Ms * UNSTEADY_FACTOR)
    found.push({
      change: { type: "steady", ...step, durationMaxMs: work.p50Ms },
      title: `Keep ${nounOf(kind)} "${name}" at its usual ${inWords(work.p50Ms)} (one in twenty takes ${inWords(work.p95Ms)} or more)`,
    });
  return found;
}

/** Forks whose branches had to wait for one another. */
function ofForks(readings: readonly RunReading[]): readonly Proposal[] {
  const shapes = new Map<string, { readonly fork: Fork; spareMs: number }>();
  for (const { plan } of readings) {
    for (const fork of forksOf(plan.nodes)) {
      if (fork.lanes >= fork.branches.length) continue;
      const shape = shapeOf(fork.key);
      const known = shapes.get(shape) ?? { fork, spareMs: 0 };
      known.spareMs += fork.endMs - fork.startMs;
      shapes.set(shape, known);
    }
  }
  return [...shapes]
    .toSorted(([, a], [, b]) => b.spareMs - a.spareMs)
    .slice(0, LOOKED_AT_MAX)
    .map(([shape, { fork }]) => ({
      change: { type: "more-lanes", shape, factor: FACTOR },
      title: `Run ${fork.lanes * FACTOR} branches at once instead of ${fork.lanes} at ${shape} (${namesIn(fork)})`,
      assumption: "branches take no longer when more of them run at once",
    }));
}

function namesIn({ branches }: Fork): string {
  const names = new Set(branches.flatMap(({ nodes }) => leavesOf(nodes)).map(({ span }) => `"${span.name}"`));
  const [first = "", second, ...rest] = names;
  if (second === undefined) return first;
  return rest.length === 0 ? `${first}, ${second}` : `${first}, ${second} and ${rest.length} more`;
}

interface Pair {
  readonly first: StepName;
  readonly second: StepName;
  readonly isKnown: boolean;
  count: number;
  shorterMs: number;
}

/** Steps that always come one right after the other, where no log shows that the second used what the first gave. */
function ofNeighbours(readings: readonly RunReading[]): readonly Proposal[] {
  const pairs = new Map<string, Pair>();
  const refused = new Set<string>();
  const counts = new Map<string, number>();
  for (const reading of readings) {
    for (const { span } of leavesOf(reading.plan.nodes)) counts.set(stepId(span), (counts.get(stepId(span)) ?? 0) + 1);
    for (const [first, second] of neighboursIn(reading.plan.nodes)) {
      const id = `${stepId(first.span)} ${stepId(second.span)}`;
      const use = reading.uses.get(second.span.key) ?? "unknown";
      if (use === "shown" || stepId(first.span) === stepId(second.span)) refused.add(id);
      const known = pairs.get(id) ?? { first: nameOf(first), second: nameOf(second), isKnown: use === "not-shown", count: 0, shorterMs: 0 };
      known.count += 1;
      known.shorterMs += Math.min(first.span.endMs - first.span.startMs, second.span.endMs - second.span.startMs);
      pairs.set(id, known);
    }
  }
  return (
    [...pairs]
      // A second step that comes only sometimes may well be chosen by what the first gave.
      .filter(([id, { first, count }]) => !refused.has(id) && counts.get(stepId(first)) === count)
      .map(([, pair]) => pair)
      .toSorted((a, b) => b.shorterMs - a.shorterMs)
      .slice(0, LOOKED_AT_MAX)
      .map(sideBySide)
  );
}

function sideBySide({ first, second, isKnown }: Pair): Proposal {
  const doubt = isKnown
    ? `the log shows no use of it in "${second.name}", which is no proof`
    : `the log does not hold what "${second.name}" reads`;
  return {
    change: { type: "side-by-side", first, second },
    title: `Run "${first.name}" and "${second.name}" at the same time (ctx.all)`,
    assumption: `"${second.name}" needs nothing that "${first.name}" gives or does: ${doubt}`,
  };
}

function neighboursIn(nodes: readonly Node[]): readonly (readonly [Leaf, Leaf])[] {
  const pairs: (readonly [Leaf, Leaf])[] = [];
  let previous: Leaf | undefined;
  for (const node of nodes) {
    if (node.type === "fork") {
      for (const branch of node.branches) pairs.push(...neighboursIn(branch.nodes));
      previous = undefined;
      continue;
    }
    if (previous !== undefined && isWork(previous.span) && isWork(node.span)) pairs.push([previous, node]);
    previous = node;
  }
  return pairs;
}

function isWork({ kind }: Span): boolean {
  return kind === "step" || kind === "tool" || kind === "model" || kind === "workflow";
}

/** Steps that are over as soon as they begin cannot be made faster. */
function isWorthIt(cause: Cause): cause is Cause & StepName {
  return cause.type === "step" && cause.kind !== "now" && cause.kind !== "emit" && cause.kind !== "patch";
}

function nameOf({ span: { kind, name } }: Leaf): StepName {
  return { kind, name };
}
