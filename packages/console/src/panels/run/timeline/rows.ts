import type { RunReading, Segment, Span } from "@tutti/core/insight";
import type { DoingKind } from "../../../parts/kinds.tsx";
import type { StepState } from "../../../parts/tones.ts";

/** A line of the waterfall. Times are in ms on the run's own clock. */
export interface TimelineRow {
  readonly id: string;
  readonly type: "run" | "step" | "fork" | "branch" | "attempt";
  /** The step's key, and the run it is of; for the run itself "". */
  readonly key: string;
  readonly runId: string;
  readonly title: string;
  readonly kind: DoingKind;
  readonly state: StepState;
  readonly depth: number;
  readonly startMs: number;
  readonly endMs: number;
  readonly bars: readonly Bar[];
  readonly isOnPath: boolean;
  /** Undefined when there is nothing to open. */
  readonly isOpen: boolean | undefined;
  readonly attempts: number;
  /** Said beside the title: "12 branches, 4 at once". */
  readonly note: string | undefined;
}

/** A stretch of a line. */
export interface Bar {
  readonly style: Segment["style"] | "queued" | "down" | "paused" | "around";
  readonly fromMs: number;
  readonly toMs: number;
}

type Plan = RunReading["plan"];
type PlanNode = Plan["nodes"][number];
type Leaf = Extract<PlanNode, { readonly type: "step" }>;
type Fork = Extract<PlanNode, { readonly type: "fork" }>;

/** Attempts of one step that are drawn; the rest is counted in its note. */
const ATTEMPTS_MAX = 200;

/** The lines of a run's waterfall, in the order of the workflow's code. Branches are open and steps are closed, but for what is toggled. Pure. */
export function timelineRows(reading: RunReading, toggled: ReadonlySet<string>): readonly TimelineRow[] {
  const rows: TimelineRow[] = [];
  rows.push(runRow(reading));
  addNodes(reading.plan.nodes, { reading, toggled, rows, depth: 1, onPath: pathOf(reading) });
  return rows;
}

interface Adding {
  readonly reading: RunReading;
  readonly toggled: ReadonlySet<string>;
  readonly rows: TimelineRow[];
  readonly depth: number;
  readonly onPath: ReadonlySet<string>;
}

function pathOf(reading: RunReading): ReadonlySet<string> {
  return new Set(reading.path.map(({ leaf }) => leaf.span.key));
}

function runRow({ runId, workflow, status, plan, intervals }: RunReading): TimelineRow {
  const queued = intervals.filter(({ state }) => state === "queued");
  return {
    id: `${runId}/`,
    type: "run",
    key: "",
    runId,
    title: workflow,
    kind: "workflow",
    state: stateOf(status),
    depth: 0,
    startMs: plan.startMs,
    endMs: plan.endMs,
    bars: [
      { style: "around", fromMs: plan.startMs, toMs: plan.endMs },
      ...queued.map(({ fromMs, toMs }): Bar => ({ style: "queued", fromMs, toMs })),
    ],
    isOnPath: false,
    isOpen: undefined,
    attempts: 0,
    note: undefined,
  };
}

function stateOf(status: RunReading["status"]): StepState {
  if (status === "queued" || status === "paused") return "waiting";
  return status === "continued" ? "completed" : status;
}

function addNodes(nodes: readonly PlanNode[], adding: Adding): void {
  for (const node of unforked(nodes)) {
    if (node.type === "step") addStep(node, adding);
    else addFork(node, adding);
  }
}

function addStep({ span }: Leaf, adding: Adding): void {
  const { reading, toggled, rows, depth, onPath } = adding;
  const id = `${reading.runId}/${span.key}`;
  const child = reading.children.get(span.key);
  const canOpen = span.kind === "workflow" || span.attempts > 1;
  const isOpen = canOpen ? toggled.has(id) : undefined;
  rows.push({
    id,
    type: "step",
    key: span.key,
    runId: reading.runId,
    title: span.name,
    kind: span.kind,
    state: span.status,
    depth,
    startMs: span.startMs,
    endMs: span.endMs,
    bars: span.segments,
    isOnPath: onPath.has(span.key),
    isOpen,
    attempts: span.attempts,
    note: span.isCopied ? "copied" : undefined,
  });
  if (isOpen !== true) return;
  if (span.attempts > 1) addAttempts(span, adding);
  if (child !== undefined) addNodes(child.plan.nodes, { ...adding, reading: child, depth: depth + 1, onPath: pathOf(child) });
}

/** What a step that was tried several times did each time. */
function addAttempts(span: Span, { reading, rows, depth }: Adding): void {
  const tries = span.segments.filter(({ style }) => style !== "wait").slice(0, ATTEMPTS_MAX);
  for (const [index, segment] of tries.entries())
    rows.push({
      id: `${reading.runId}/${span.key}#${index + 1}`,
      type: "attempt",
      key: span.key,
      runId: reading.runId,
      title: `attempt ${index + 1}`,
      kind: span.kind,
      state: segment.style === "lost" ? "failed" : span.status,
      depth: depth + 1,
      startMs: segment.fromMs,
      endMs: segment.toMs,
      bars: [segment],
      isOnPath: false,
      isOpen: undefined,
      attempts: 0,
      note: undefined,
    });
}

/** A fork into one branch forks nothing: what is in it stands where the fork does. */
function unforked(nodes: readonly PlanNode[]): readonly PlanNode[] {
  return nodes.flatMap((node) => {
    const [only] = node.type === "fork" && node.branches.length === 1 ? node.branches : [];
    return only === undefined ? [node] : unforked(only.nodes);
  });
}

function addFork(fork: Fork, adding: Adding): void {
  const { reading, toggled, rows, depth } = adding;
  const id = `${reading.runId}/${fork.key}*`;
  const isOpen = !toggled.has(id);
  rows.push({ ...groupOf({ id, nodes: [fork], adding }), type: "fork", title: branchesOf(fork), isOpen, note: lanesOf(fork) });
  if (isOpen) addBranches(fork, { ...adding, depth: depth + 1 });
}

const branchesOf = ({ branches }: Fork): string => `${branches.length} branches`;

function lanesOf({ lanes, branches }: Fork): string | undefined {
  return lanes < branches.length ? `${lanes} at once` : undefined;
}

function addBranches(fork: Fork, adding: Adding): void {
  for (const branch of fork.branches) {
    const nodes = unforked(branch.nodes);
    const [only] = nodes;
    if (nodes.length === 1 && only?.type === "step") addStep(only, adding);
    else addBranch({ index: branch.index, key: fork.key, nodes }, adding);
  }
}

interface BranchParts {
  readonly index: number;
  readonly key: string;
  readonly nodes: readonly PlanNode[];
}

/** A branch that does nothing but fork has the fork's branches right below it. */
function addBranch({ index, key, nodes }: BranchParts, adding: Adding): void {
  const { reading, toggled, rows, depth } = adding;
  const id = `${reading.runId}/${key}.${index}*`;
  const isOpen = !toggled.has(id);
  const [only] = nodes;
  const fork = nodes.length === 1 && only?.type === "fork" ? only : undefined;
  rows.push({
    ...groupOf({ id, nodes, adding }),
    type: "branch",
    title: (reading.isGraph ? nodeNameOf(nodes, index) : undefined) ?? `branch ${index}`,
    isOpen,
    note: fork === undefined ? undefined : [branchesOf(fork), lanesOf(fork)].filter((words) => words !== undefined).join(", "),
  });
  if (!isOpen) return;
  const within = { ...adding, depth: depth + 1 };
  if (fork === undefined) addNodes(nodes, within);
  else addBranches(fork, within);
}

/** What a branch of a graph is: a node, which its first step is named after, or a turn of the map or loop around its nodes: "each[3]". */
function nodeNameOf([first]: readonly PlanNode[], index: number): string | undefined {
  if (first?.type === "step") return first.span.name;
  const path = first === undefined ? "" : (spansIn([first])[0]?.name.split(":")[0] ?? "");
  const around = path.slice(0, Math.max(0, path.lastIndexOf(".")));
  return around === "" ? undefined : around.replace(/\[\]$/, `[${index}]`);
}

interface GroupParts {
  readonly id: string;
  readonly nodes: readonly PlanNode[];
  readonly adding: Adding;
}

/** A line that stands for what lies below it. */
function groupOf({ id, nodes, adding: { reading, depth, onPath } }: GroupParts): Omit<TimelineRow, "type" | "title" | "isOpen" | "note"> {
  const group = { startMs: Number.POSITIVE_INFINITY, endMs: 0, worst: 0, isOnPath: false };
  visit(nodes, ({ key, startMs, endMs, status }) => {
    group.startMs = Math.min(group.startMs, startMs);
    group.endMs = Math.max(group.endMs, endMs);
    group.worst = Math.max(group.worst, WORST.indexOf(status));
    group.isOnPath ||= onPath.has(key);
  });
  const startMs = Number.isFinite(group.startMs) ? group.startMs : 0;
  return {
    id,
    key: id.slice(reading.runId.length + 1),
    runId: reading.runId,
    kind: "group",
    state: WORST[group.worst] ?? "completed",
    depth,
    startMs,
    endMs: group.endMs,
    bars: [{ style: "around", fromMs: startMs, toMs: group.endMs }],
    isOnPath: group.isOnPath,
    attempts: 0,
  };
}

/** States by how much they matter, the last most. */
const WORST: readonly Span["status"][] = ["completed", "cancelled", "running", "waiting", "refused", "failed"];

function visit(nodes: readonly PlanNode[], see: (span: Span) => void): void {
  for (const node of nodes) {
    if (node.type === "step") see(node.span);
    else for (const branch of node.branches) visit(branch.nodes, see);
  }
}

/** All steps of a reading, in order. */
export function spansOf(reading: RunReading): readonly Span[] {
  return spansIn(reading.plan.nodes);
}

function spansIn(nodes: readonly PlanNode[]): readonly Span[] {
  const spans: Span[] = [];
  visit(nodes, (span) => spans.push(span));
  return spans;
}

/** The rows whose title, key, kind or state has the words. */
export function foundRows(rows: readonly TimelineRow[], text: string): readonly TimelineRow[] {
  const wanted = text.trim().toLowerCase();
  if (wanted === "") return rows;
  return rows.filter(
    ({ type, title, key, kind, state }) =>
      type === "step" && (key === wanted || `${title} ${kind} ${state}`.toLowerCase().includes(wanted)),
  );
}
