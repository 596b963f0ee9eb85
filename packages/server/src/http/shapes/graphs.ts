import { z } from "zod";
import { OpenWait, Run } from "./runs.ts";
import { anyObject, Failure, json } from "./values.ts";

/** A graph; `GET /v1/graphs/schema` has its format. */
export const GraphShape = z
  .looseObject({ name: z.string(), version: z.string(), nodes: anyObject, edges: z.array(anyObject) })
  .meta({ id: "Graph", description: "A graph. `GET /v1/graphs/schema` has the whole format." });

/** Something that is wrong in a graph, and where in its text. */
const GraphFault = z.object({
  code: z.string(),
  message: z.string(),
  path: z.array(z.union([z.string(), z.number()])),
  line: z.int(),
  column: z.int(),
  snippet: z.tuple([z.string(), z.string()]),
});

/** What a graph's text holds. */
export const GraphCheck = z.object({ ok: z.boolean(), graph: GraphShape.exactOptional(), problems: z.array(GraphFault) });

const Node = z.object({
  path: z.string(),
  type: z.string(),
  status: z.string(),
  startedAt: z.string().exactOptional(),
  endedAt: z.string().exactOptional(),
  waitingFor: OpenWait.exactOptional(),
  error: Failure.exactOptional(),
});

/** A run of a graph: the graph as it is now, and where each node stands. */
export const GraphRun = z.object({
  run: Run,
  graph: GraphShape,
  nodes: z.array(Node),
  amendments: z.array(z.object({ id: z.string(), at: z.string(), isAccepted: z.boolean(), data: json })),
});

/** What an amendment changed. */
export const GraphAmended = z.object({
  id: z.string(),
  added: z.array(z.string()),
  removed: z.array(z.string()),
  replaced: z.array(z.string()),
  connected: z.array(z.string()),
  disconnected: z.array(z.string()),
  fields: z.array(z.string()).describe("What else of the graph is another, such as its output."),
});
