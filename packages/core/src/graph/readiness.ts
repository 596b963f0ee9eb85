import type { GraphEdge, GraphNode, NodeStatus } from "./graph.ts";

/** Whether an edge was taken: "pending" until its source has ended. */
export type EdgeState = "pending" | "taken" | "dead";

/** What a node may do now. "short" means that its quorum cannot be reached any more. */
export type Readiness = "wait" | "run" | "skip" | "short";

/** Decides from the edges into a node. A node without any runs at once. Pure. */
export function readiness({ join = "all" }: Pick<GraphNode, "join">, edges: readonly EdgeState[]): Readiness {
  if (edges.length === 0) return "run";
  const taken = edges.filter((state) => state === "taken").length;
  const pending = edges.filter((state) => state === "pending").length;
  if (join === "all") {
    if (pending > 0) return "wait";
    return taken > 0 ? "run" : "skip";
  }
  const needed = join === "any" ? 1 : join.quorum;
  if (taken >= needed) return "run";
  if (pending > 0) return "wait";
  return taken === 0 ? "skip" : "short";
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
