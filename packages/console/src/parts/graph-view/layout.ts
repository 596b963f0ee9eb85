import dagre from "@dagrejs/dagre";
import type { Drawing, DrawnEdge, DrawnNode } from "./drawing.ts";

/** Where a node stands: its corner at the top start, within its frame if it has one, and its size. */
export interface Placed {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

/** Which way edges lead. */
export type Direction = "across" | "down";

const NODE = { width: 208, height: 58 } as const;
/** Room in a frame: for its title, and around what is inside. */
const FRAME = { top: 44, side: 16 } as const;
const GAP = { node: 22, rank: 56 } as const;

/** Finds each node's place. Frames are laid out from the inside outwards. Pure. */
export function layoutOf(drawing: Drawing, direction: Direction = "across"): ReadonlyMap<string, Placed> {
  const places = new Map<string, Placed>();
  const inside = Map.groupBy(drawing.nodes, ({ parentId }) => parentId ?? "");
  const parentOf = new Map(drawing.nodes.map(({ id, parentId }) => [id, parentId ?? ""]));
  const edges = Map.groupBy(
    drawing.edges.filter(({ from, to }) => parentOf.has(to) && parentOf.get(from) === parentOf.get(to)),
    ({ from }) => parentOf.get(from) ?? "",
  );
  layFrame("", { inside, edges, places, direction });
  return places;
}

interface Laying {
  readonly inside: ReadonlyMap<string, readonly DrawnNode[]>;
  readonly edges: ReadonlyMap<string, readonly DrawnEdge[]>;
  readonly places: Map<string, Placed>;
  readonly direction: Direction;
}

/** Lays out what is in a frame ("" is the whole picture) and returns the frame's size. */
function layFrame(frame: string, laying: Laying): { readonly width: number; readonly height: number } {
  const { inside, edges, places, direction } = laying;
  const graph = new dagre.graphlib.Graph({ multigraph: true });
  graph.setGraph({ rankdir: direction === "across" ? "LR" : "TB", nodesep: GAP.node, ranksep: GAP.rank });
  for (const { id } of inside.get(frame) ?? []) graph.setNode(id, inside.has(id) ? layFrame(id, laying) : { ...NODE });
  // A label needs room between its nodes.
  for (const { id, from, to, label } of edges.get(frame) ?? [])
    graph.setEdge(from, to, { width: label === undefined ? 0 : LABEL_PX, height: label === undefined ? 0 : 14, labelpos: "c" }, id);
  dagre.layout(graph);
  const offset = frame === "" ? { x: 0, y: 0 } : { x: FRAME.side, y: FRAME.top };
  for (const id of graph.nodes()) {
    const { x, y, width, height } = graph.node(id) as Placed;
    places.set(id, { x: x - width / 2 + offset.x, y: y - height / 2 + offset.y, width, height });
  }
  const { width = NODE.width, height = NODE.height } = graph.graph() as Partial<Placed>;
  return { width: width + 2 * FRAME.side, height: height + FRAME.top + FRAME.side };
}

const LABEL_PX = 90;
