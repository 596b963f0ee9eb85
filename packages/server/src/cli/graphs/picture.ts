import {
  bodyOf,
  edgesBy,
  type Graph,
  type GraphBody,
  type GraphEdge,
  type GraphNode,
  type NodeReading,
  type NodeStatus,
} from "@tutti/core/graph";
import { line, piece, type Piece, type Style, type Terminal } from "../terminal.ts";
import { columnsOf, printable } from "../terminal-text.ts";
import { drawLanes } from "./lanes.ts";

/** What is drawn: a graph, and where its nodes stand when it is a run's. */
export interface Picture {
  readonly graph: Graph;
  readonly nodes?: readonly NodeReading[];
}

/** A graph in the terminal: its nodes from first to last, joined by lanes, each with what it does and where edges lead. Pure. */
export function graphPicture({ graph, nodes }: Picture, terminal: Terminal): readonly string[] {
  const byPath = nodes === undefined ? undefined : new Map(nodes.map((node) => [node.path, node]));
  return [
    line(
      [
        piece(printable(`${graph.name} ${graph.version}`), "bold"),
        piece(printable(graph.description === undefined ? "" : `  ${graph.description}`), "dim"),
      ],
      terminal,
    ),
    "",
    ...drawBody(graph, { byPath, prefix: "" }, terminal),
    ...inside(graph, "", terminal),
  ];
}

interface Marks {
  readonly byPath: ReadonlyMap<string, NodeReading> | undefined;
  readonly prefix: string;
}

function drawBody(body: GraphBody, { byPath, prefix }: Marks, terminal: Terminal): readonly string[] {
  const rows = drawLanes(body);
  const width = Math.max(...rows.map(({ lanes }) => columnsOf(lanes)));
  const names = Math.max(...Object.keys(body.nodes).map((id) => columnsOf(printable(id))));
  const outgoing = edgesBy("from", body);
  return rows.map(({ lanes, node: id }) => {
    const node = id === undefined ? undefined : body.nodes[id];
    const drawn = lanesOf(lanes, terminal);
    if (id === undefined || node === undefined) return line([piece(drawn, "dim")], terminal);
    const reading = byPath?.get(prefix + id);
    const gap = " ".repeat(Math.max(0, width - columnsOf(lanes)) + 2);
    return line(
      [
        piece(drawn + gap, "dim"),
        ...(byPath === undefined ? [] : [statusPiece(reading?.status ?? "pending", terminal)]),
        piece(printable(id).padEnd(names + 2), "bold"),
        piece(printable(describe(node))),
        ...waitPiece(reading),
        ...edgePieces(outgoing.get(id) ?? [], terminal),
      ],
      terminal,
    );
  });
}

/** The nodes inside nodes, each body under the name of the node around it. */
function inside(body: GraphBody, prefix: string, terminal: Terminal): readonly string[] {
  return Object.entries(body.nodes).flatMap(([id, node]) => {
    const inner = bodyOf(node);
    if (inner === undefined) return [];
    const name = prefix + id;
    return [
      "",
      line([piece(`inside ${printable(name)}`, "dim")], terminal),
      ...drawBody(inner, { byPath: undefined, prefix: "" }, terminal),
      ...inside(inner, `${name}.`, terminal),
    ];
  });
}

const STATUS_LOOK: Readonly<Record<NodeStatus, readonly [unicode: string, ascii: string, style: Style]>> = {
  pending: ["·", ".", "dim"],
  running: ["▸", ">", "cyan"],
  waiting: ["…", "w", "yellow"],
  completed: ["✓", "+", "green"],
  failed: ["✗", "x", "red"],
  skipped: ["–", "-", "dim"],
  cancelled: ["⊘", "c", "dim"],
};

function statusPiece(status: NodeStatus, { hasUnicode }: Terminal): Piece {
  const [unicode, ascii, style] = STATUS_LOOK[status];
  return piece(`${hasUnicode ? unicode : ascii} ${status.padEnd(11)}`, style);
}

function waitPiece(reading: NodeReading | undefined): readonly Piece[] {
  if (reading?.error !== undefined) return [piece(printable(`  ${reading.error.message} [${reading.error.code}]`), "red")];
  if (reading?.waitingFor === undefined) return [];
  const { kind, name, until } = reading.waitingFor;
  return [piece(printable(`  waits for the ${kind} ${name}${until === null ? "" : ` until ${until}`}`), "yellow")];
}

/** What a node does, in a few words. */
function describe(node: GraphNode): string {
  const join =
    node.join === undefined || node.join === "merge"
      ? ""
      : typeof node.join === "object"
        ? `, join of ${node.join.quorum}`
        : `, join of ${node.join}`;
  return `${what(node)}${join}`;
}

function what(node: GraphNode): string {
  switch (node.type) {
    case "tool":
      return `tool ${node.tool}`;
    case "agent":
      return `agent ${node.agent}`;
    case "workflow":
      return `workflow ${node.workflow}`;
    case "model":
      return `model ${node.model}`;
    case "condition":
      return `condition ${node.if ?? ""}`.trimEnd();
    case "wait":
      return `wait for ${node.signal ?? node.event ?? node.until ?? `${node.ms} ms`}`;
    case "approval":
      return `approval "${node.question}"`;
    case "emit":
      return `emit ${node.event}`;
    case "map":
    case "loop":
    case "group":
      return `${node.type} of ${Object.keys(node.do.nodes).length} nodes`;
    case "transform":
    case "fail":
      return node.type;
  }
}

/** Only edges that need a word: conditions, errors. The others the lanes show. */
function edgePieces(edges: readonly GraphEdge[], { hasUnicode }: Terminal): readonly Piece[] {
  const arrow = hasUnicode ? "→" : "->";
  const words = edges.flatMap(({ to, on, case: outcome, when, codes }) => {
    const why = [
      ...(on === "error" ? [`error${codes === undefined ? "" : ` ${codes.join("/")}`}`] : []),
      ...(outcome === undefined ? [] : [String(outcome)]),
      ...(when === undefined ? [] : [when]),
    ];
    return why.length === 0 ? [] : [`${why.join(" ")} ${arrow} ${to}`];
  });
  return words.length === 0 ? [] : [piece(printable(`  (${words.join(", ")})`), "dim")];
}

const ASCII: Readonly<Record<string, string>> = {
  "●": "*",
  "│": "|",
  "├": "+",
  "┤": "+",
  "╯": "+",
  "╮": "+",
  "┴": "+",
  "┬": "+",
  "┼": "+",
  "─": "-",
};

function lanesOf(lanes: string, { hasUnicode }: Terminal): string {
  return hasUnicode ? lanes : lanes.replaceAll(/[^\s]/g, (sign) => ASCII[sign] ?? sign);
}
