import { edgesBy, topologicalOrder, type GraphBody } from "@tutti/core/graph";

/** A line of a drawing: the lanes, and the node that stands on it, if one does. */
export interface LaneLine {
  readonly lanes: string;
  readonly node?: string;
}

/** How many lanes are drawn side by side; a wider graph is listed without them. */
const LANES_MAX = 24;

/** A graph as lanes from top to bottom: every node on a line of its own, after all that lead to it. Pure. */
export function drawLanes(body: GraphBody): readonly LaneLine[] {
  const outgoing = edgesBy("from", body);
  const lines: LaneLine[] = [];
  /** The node each lane leads to. */
  const lanes: (string | undefined)[] = [];
  for (const id of topologicalOrder(body)) {
    const own = lanes.flatMap((target, lane) => (target === id ? [lane] : []));
    const at = own[0] ?? freeLane(lanes);
    if (own.length > 1) lines.push({ lanes: row(lanes, { at, others: own.slice(1), turn: "╯", pass: "┴" }) });
    for (const lane of own) lanes[lane] = undefined;
    lanes[at] = id;
    lines.push({ lanes: lanes.map((target, lane) => (lane === at ? "●" : target === undefined ? " " : "│")).join(" "), node: id });
    const targets = [...new Set((outgoing.get(id) ?? []).map(({ to }) => to))];
    lanes[at] = targets[0];
    const opened = targets.slice(1).map((target) => {
      const lane = freeLane(lanes, at + 1);
      lanes[lane] = target;
      return lane;
    });
    if (opened.length > 0) lines.push({ lanes: row(lanes, { at, others: opened, turn: "╮", pass: "┬" }) });
    while (lanes.length > 0 && lanes.at(-1) === undefined) lanes.pop();
    if (lanes.length > LANES_MAX) return topologicalOrder(body).map((node) => ({ lanes: "●", node }));
  }
  return lines;
}

function freeLane(lanes: readonly (string | undefined)[], from = 0): number {
  const free = lanes.findIndex((target, lane) => lane >= from && target === undefined);
  return free === -1 ? Math.max(lanes.length, from) : free;
}

/** A line on which lanes part from one, or come together in it. */
function row(
  lanes: readonly (string | undefined)[],
  joint: { readonly at: number; readonly others: readonly number[]; readonly turn: string; readonly pass: string },
): string {
  const { at, others, turn, pass } = joint;
  const [first, last] = [Math.min(at, ...others), Math.max(at, ...others)];
  let text = "";
  for (let lane = 0; lane < Math.max(lanes.length, last + 1); lane += 1) {
    const isUsed = lanes[lane] !== undefined;
    const isInside = lane > first && lane < last;
    if (lane === at) text += lane === first ? "├" : "┤";
    else if (others.includes(lane)) text += lane === last ? turn : pass;
    else if (isInside) text += isUsed ? "┼" : "─";
    else text += isUsed ? "│" : " ";
    text += lane >= first && lane < last ? "─" : " ";
  }
  return text.trimEnd();
}
