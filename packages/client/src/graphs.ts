import type { Json, RunRecord } from "@tutti/core";
import type { Graph, GraphDifference, GraphReading, PlacedProblem } from "@tutti/core/graph";
import type { Transport } from "./transport.ts";

/** Something that is wrong in a graph, and where in its text. */
export type GraphFault = PlacedProblem;

/** What a graph's text holds: the graph, or what is wrong with it. */
export interface GraphCheckReply {
  readonly ok: boolean;
  readonly graph?: Graph;
  readonly problems: readonly GraphFault[];
}

/** A run of a graph as its log tells it. */
export interface GraphRunReply extends GraphReading {
  readonly run: RunRecord;
}

/** A graph's text in YAML or JSON. `name` is what places in errors begin with. */
export interface GraphText {
  readonly text: string;
  readonly name?: string;
}

/** The calls about graphs. */
export interface GraphCalls {
  /** The graph format as JSON Schema. */
  graphSchema(signal?: AbortSignal): Promise<Json>;
  checkGraph(graph: GraphText, signal?: AbortSignal): Promise<GraphCheckReply>;
  startGraph(
    graph: GraphText & { readonly input: Json; readonly runId?: string },
    signal?: AbortSignal,
  ): Promise<{ readonly run: RunRecord; readonly url: string }>;
  graphOf(runId: string, signal?: AbortSignal): Promise<GraphRunReply>;
  /** Resolves when the run has taken the amendment over; `conflict` with the reasons when it refused. */
  amendGraph(runId: string, amendment: GraphText, signal?: AbortSignal): Promise<{ readonly id: string } & GraphDifference>;
}

/** The calls over a transport. */
export function graphCalls(transport: Transport): GraphCalls {
  return {
    graphSchema: (signal) => transport.json({ path: "/v1/graphs/schema" }, signal),
    checkGraph: (body, signal) => transport.json({ method: "POST", path: "/v1/graphs/check", body }, signal),
    startGraph: (body, signal) => transport.json({ method: "POST", path: "/v1/graphs/runs", body }, signal),
    graphOf: (runId, signal) => transport.json({ path: graphPath(runId) }, signal),
    amendGraph: (runId, body, signal) =>
      transport.json({ method: "POST", path: graphPath(runId), body, timeoutMs: AMEND_TIMEOUT_MS }, signal),
  };
}

/** A busy run takes a while to look at what it is sent. */
const AMEND_TIMEOUT_MS = 60_000;

function graphPath(runId: string): string {
  return `/v1/runs/${encodeURIComponent(runId)}/graph`;
}
