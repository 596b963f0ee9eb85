import type { RunReading, Span } from "@tutti/core/insight";
import type { Drawing, DrawnEdge, DrawnNode } from "../../../parts/graph-view/drawing.ts";
import { duration } from "../../../parts/words.ts";

/** Nodes that are drawn; more are no picture any more. */
const NODES_MAX = 250;

/** Steps as a picture, and how many did not fit. */
export interface DrawnSteps {
  readonly drawing: Drawing;
  readonly left: number;
}

type PlanNode = RunReading["plan"]["nodes"][number];

/**
 * What followed what in a run of a workflow in code: steps of the same kind and name are one node, but for those whose id is in `open`,
 * which are drawn one by one. Pure.
 */
export function drawSteps(reading: RunReading, open: ReadonlySet<string>): DrawnSteps {
  const groups = new Map<string, Group>();
  const edges = new Map<string, { readonly from: string; readonly to: string; count: number; isOnPath: boolean }>();
  const onPath = new Set(reading.path.map(({ leaf }) => leaf.span.key));
  const idOf = (span: Span): string => {
    const id = `${span.kind} ${span.name}`;
    return open.has(id) ? `${id} ${span.key}` : id;
  };
  const follow = (from: Span, to: Span): void => {
    const ends = { from: idOf(from), to: idOf(to) };
    if (ends.from === ends.to) return;
    const id = `${ends.from} → ${ends.to}`;
    const edge = edges.get(id) ?? { ...ends, count: 0, isOnPath: false };
    edge.count += 1;
    edge.isOnPath ||= onPath.has(from.key) && onPath.has(to.key);
    edges.set(id, edge);
  };
  const see = (span: Span): void => {
    const id = idOf(span);
    const group = groups.get(id) ?? {
      id,
      first: span,
      isSingle: id.endsWith(` ${span.key}`),
      count: 0,
      done: 0,
      worst: 0,
      ms: 0,
      isOnPath: false,
      failure: undefined,
    };
    group.count += 1;
    if (span.status === "completed") group.done += 1;
    group.worst = Math.max(group.worst, WORST.indexOf(span.status));
    group.ms += span.endMs - span.startMs;
    group.isOnPath ||= onPath.has(span.key);
    if (span.status === "failed" || span.status === "refused") group.failure = span.failure ?? span.decision?.reason;
    groups.set(id, group);
  };
  walk(reading.plan.nodes, [], { see, follow });
  const shown = [...groups.values()].slice(0, NODES_MAX);
  const ids = new Set(shown.map(({ id }) => id));
  return {
    drawing: {
      nodes: shown.map(nodeOf),
      edges: [...edges].flatMap(([id, edge]): readonly DrawnEdge[] =>
        ids.has(edge.from) && ids.has(edge.to)
          ? [
              {
                id,
                from: edge.from,
                to: edge.to,
                look: edge.isOnPath ? "path" : "plain",
                ...(edge.count > 1 && { label: `${edge.count} times` }),
              },
            ]
          : [],
      ),
    },
    left: groups.size - shown.length,
  };
}

interface Group {
  readonly id: string;
  readonly first: Span;
  /** It stands for one step only, because somebody opened its name. */
  readonly isSingle: boolean;
  count: number;
  done: number;
  worst: number;
  ms: number;
  isOnPath: boolean;
  failure: string | undefined;
}

const WORST: readonly Span["status"][] = ["completed", "cancelled", "running", "waiting", "refused", "failed"];

function nodeOf({ id, first, isSingle, count, done, worst, ms, isOnPath, failure }: Group): DrawnNode {
  return {
    id,
    title: first.name,
    kind: first.kind,
    detail: isSingle ? `${first.key}, ${duration(ms)}` : duration(ms),
    state: WORST[worst] ?? "completed",
    ...(count > 1 && { progress: `${done} of ${count} done, ${duration(ms)}` }),
    isOnPath,
    ...(failure !== undefined && { problem: failure }),
  };
}

interface Walking {
  readonly see: (span: Span) => void;
  readonly follow: (from: Span, to: Span) => void;
}

/** Goes through places in order; what a place follows are the steps with which the place before it ended. */
function walk(nodes: readonly PlanNode[], before: readonly Span[], walking: Walking): readonly Span[] {
  let last = before;
  for (const node of nodes) {
    if (node.type === "step") {
      walking.see(node.span);
      for (const span of last) walking.follow(span, node.span);
      last = [node.span];
    } else {
      const from = last;
      last = lastOf(node.branches.map((branch) => walk(branch.nodes, from, walking)));
    }
  }
  return last;
}

/** Ends of branches that are followed further; thousands of them would be thousands of edges that look the same. */
function lastOf(ends: readonly (readonly Span[])[]): readonly Span[] {
  const byName = new Map(ends.flat().map((span) => [`${span.kind} ${span.name} ${span.status}`, span]));
  const all = ends.flat();
  return all.length <= ENDS_MAX ? all : [...byName.values()];
}

const ENDS_MAX = 40;
