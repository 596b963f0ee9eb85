import type { GraphEdge, GraphNode, NodeStatus } from "./graph.ts";

/** Whether an edge was taken: "pending" until its source has ended. */
export type EdgeState = "pending" | "taken" | "dead";

/** What a node may do now. "short" means that its quorum cannot be reached any more. */
export type Readiness = "wait" | "run" | "skip" | "short";

/** Decides from the edges into a node. A node without any runs at once. Pure. */
export function readiness({ join = "merge" }: Pick<GraphNode, "join">, edges: readonly EdgeState[]): Readiness {
  if (edges.length === 0) return "run";
  const taken = edges.filter((state) => state === "taken").length;
  if (join === "all" && edges.includes("dead")) return "skip";
  if (hasLosers({ join }) && taken >= neededOf(join)) return "run";
  if (edges.includes("pending")) return "wait";
  if (taken === 0) return "skip";
  return taken >= neededOf(join) ? "run" : "short";
}

/** Whether a join runs before all edges into it are decided, so that there may be nodes nobody needs any more. */
export function hasLosers({ join }: Pick<GraphNode, "join">): boolean {
  return join === "any" || typeof join === "object";
}

function neededOf(join: NonNullable<GraphNode["join"]>): number {
  return typeof join === "object" ? join.quorum : 1;
}

/** What an edge is once its source has ended; "ask" means that its `when` decides. Pure. */
export function edgeAfter(
  edge: GraphEdge,
  source: { readonly status: NodeStatus; readonly case?: string | boolean; readonly code?: string },
): EdgeState | "ask" {
  const isError = edge.on === "error";
  if (source.status !== (isError ? "failed" : "completed")) return "dead";
  if (isError && edge.codes !== undefined && !edge.codes.includes(source.code ?? "")) return "dead";
  if (edge.case !== undefined && edge.case !== source.case) return "dead";
  return edge.when === undefined ? "taken" : "ask";
}
