import type { Client } from "@tutti/client";
import type { Json, RunRecord } from "@tutti/core";
import type { Graph, GraphDifference, GraphReading } from "@tutti/core/graph";

/** Something that is wrong in a graph's text. */
export interface GraphFault {
  readonly message: string;
  readonly line: number;
  readonly column: number;
  readonly snippet: readonly [line: string, mark: string];
}

interface GraphText {
  readonly text: string;
  readonly name: string;
}

interface GraphCalls {
  checkGraph(
    graph: GraphText,
    signal?: AbortSignal,
  ): Promise<{ readonly ok: boolean; readonly graph?: Graph; readonly problems: readonly GraphFault[] }>;
  startGraph(graph: GraphText & { readonly input: Json }, signal?: AbortSignal): Promise<{ readonly run: RunRecord; readonly url: string }>;
  graphOf(runId: string, signal?: AbortSignal): Promise<GraphReading & { readonly run: RunRecord }>;
  amendGraph(runId: string, amendment: GraphText, signal?: AbortSignal): Promise<{ readonly id: string } & GraphDifference>;
}

/** The client's calls about graphs. */
export function graphCallsOf(client: Client): GraphCalls {
  return client as Client & GraphCalls;
}
