import { bodyOf, type Graph, type GraphBody, type GraphEdge, type GraphNode, type NodeReading } from "@tutti/core/graph";
import type { DoingKind } from "../kinds.tsx";
import type { StepState } from "../tones.ts";

/** A node as it is drawn. One with others inside (`parentId` of those) is a frame around them. */
export interface DrawnNode {
  readonly id: string;
  readonly title: string;
  readonly kind: DoingKind;
  /** What it calls or asks, in a few words. */
  readonly detail?: string;
  readonly state?: StepState;
  /** How far it is: "3 of 12 done". */
  readonly progress?: string;
  readonly isOnPath?: boolean;
  /** Something is wrong with it: what. */
  readonly problem?: string;
  readonly parentId?: string;
}

/** A way from one node to another. */
export interface DrawnEdge {
  readonly id: string;
  readonly from: string;
  readonly to: string;
  readonly label?: string;
  readonly look: "plain" | "error" | "path";
}

/** Nodes and edges, before they have a place. */
export interface Drawing {
  readonly nodes: readonly DrawnNode[];
  readonly edges: readonly DrawnEdge[];
}

/** A graph, and, when its run's log is known, where each node stands. Nodes inside of others are named "outer.inner". Pure. */
export function drawGraph(graph: Graph, readings: readonly NodeReading[] = []): Drawing {
  const drawn: { readonly nodes: DrawnNode[]; readonly edges: DrawnEdge[] } = { nodes: [], edges: [] };
  const turns = Map.groupBy(readings, ({ path }) => path.replaceAll(/\[\d+\]/g, ""));
  drawBody(graph, { prefix: "", turns, hasRun: readings.length > 0 }, drawn);
  return drawn;
}

interface Around {
  readonly prefix: string;
  /** By a node's path without turns, all its turns. */
  readonly turns: ReadonlyMap<string, readonly NodeReading[]>;
  readonly hasRun: boolean;
}

function drawBody(body: GraphBody, around: Around, drawn: { readonly nodes: DrawnNode[]; readonly edges: DrawnEdge[] }): void {
  const { prefix, turns, hasRun } = around;
  for (const [name, node] of Object.entries(body.nodes)) {
    const id = prefix + name;
    const detail = node.title ?? detailOf(node);
    drawn.nodes.push({
      id,
      title: name,
      kind: node.type,
      ...(detail !== "" && { detail }),
      ...(hasRun && standing(turns.get(id) ?? [])),
      ...(prefix !== "" && { parentId: prefix.slice(0, -1) }),
    });
    const inside = bodyOf(node);
    if (inside !== undefined) drawBody(inside, { ...around, prefix: `${id}.` }, drawn);
  }
  for (const [index, edge] of body.edges.entries())
    drawn.edges.push({
      id: `${prefix}${index}:${edge.from}-${edge.to}`,
      from: prefix + edge.from,
      to: prefix + edge.to,
      ...labelOf(edge),
      look: edge.on === "error" ? "error" : "plain",
    });
}

/** States by how much they matter when a node has many turns. */
const WEIGHT: readonly NodeReading["status"][] = ["failed", "waiting", "running", "completed", "cancelled", "skipped", "pending"];

/** Where a node stands: of many turns the worst. Pure. */
export function standing(turns: readonly NodeReading[]): Pick<DrawnNode, "state" | "progress" | "problem"> {
  const state = WEIGHT.find((status) => turns.some((turn) => turn.status === status)) ?? "pending";
  const done = turns.filter(({ status }) => status === "completed").length;
  const failure = turns.find(({ error }) => error !== undefined)?.error;
  return {
    state,
    ...(turns.length > 1 && { progress: `${done} of ${turns.length} done` }),
    ...(failure !== undefined && { problem: `${failure.code}: ${failure.message}` }),
  };
}

/** What an edge asks, in a few words. Pure. */
export function labelOf({ on, codes, case: outcome, when }: Omit<GraphEdge, "from" | "to">): { readonly label?: string } {
  const words = [
    ...(on === "error" ? [codes === undefined ? "on error" : `on ${codes.join(", ")}`] : []),
    ...(outcome === undefined ? [] : [String(outcome)]),
    ...(when === undefined ? [] : [`if ${when.replace(/^\$\{\s*|\s*\}$/g, "")}`]),
  ];
  return words.length === 0 ? {} : { label: words.join(", ") };
}

/** What a node calls or asks. */
function detailOf(node: GraphNode): string {
  switch (node.type) {
    case "tool":
      return node.tool;
    case "agent":
      return node.agent;
    case "workflow":
      return node.workflow;
    case "model":
      return node.model;
    case "condition":
      return node.if ?? (node.cases ?? []).map((one) => one.case).join(", ");
    case "map":
      return `${node.concurrency} at once`;
    case "loop":
      return node.while ?? (node.times === undefined ? "" : `${node.times} times`);
    case "wait":
      return node.signal ?? node.event ?? node.until ?? (node.ms === undefined ? "" : `${node.ms} ms`);
    case "approval":
      return node.question;
    case "emit":
      return node.event;
    case "fail":
      return node.code;
    case "transform":
    case "group":
      return "";
  }
}
