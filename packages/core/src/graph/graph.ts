import type { Json } from "../json.ts";
import type { RunLimits } from "../workflow.ts";

/**
 * A workflow as data: nodes, and edges between them. It is what a YAML or JSON file holds, what a model may write and what one
 * interpreter runs. Texts may hold expressions as `${ … }`; a text that is one expression stands for its value.
 */
export interface Graph extends GraphBody {
  readonly name: string;
  readonly version: string;
  readonly description?: string | undefined;
  /** The input as JSON Schema; any input is taken without it. */
  readonly input?: Json | undefined;
  readonly limits?: RunLimits | undefined;
}

/** Nodes and edges that run together: a whole graph, or what a map, a loop or a group does. */
export interface GraphBody {
  readonly nodes: Readonly<Record<string, GraphNode>>;
  readonly edges: readonly GraphEdge[];
  /** The nodes that start; those without an edge into them unless given. Given, every other node must be reachable from them. */
  readonly start?: readonly string[] | undefined;
  /** What comes out. Unless given: the output of the last node, or those of the last nodes by id. */
  readonly output?: Json | undefined;
}

/** A way from one node to another. It is taken when its source ended in the way it says. */
export interface GraphEdge {
  readonly from: string;
  readonly to: string;
  /** "error" is taken when the source failed, "success" (the default) when it completed. */
  readonly on?: "success" | "error" | undefined;
  /** Only for these error codes. */
  readonly codes?: readonly string[] | undefined;
  /** Only for this outcome of a condition (true, false or a case's name) or of an approval ("approved", "refused"). */
  readonly case?: string | boolean | undefined;
  /** Only if this expression is true. It may use `output` or `error` of the source. */
  readonly when?: string | undefined;
}

/** One node. `type` says what it does. */
export type GraphNode = NodeCommon &
  (
    | ({ readonly type: "tool"; readonly tool: string; readonly input: Json } & Worked)
    | ({ readonly type: "agent"; readonly agent: string; readonly input: Json } & Worked)
    | ({ readonly type: "workflow"; readonly workflow: string; readonly input: Json } & Worked)
    | ({ readonly type: "model"; readonly model: string; readonly system?: string | undefined; readonly prompt: string } & Worked)
    | { readonly type: "condition"; readonly if?: string | undefined; readonly cases?: readonly GraphCase[] | undefined }
    | { readonly type: "transform"; readonly value: Json }
    | ({ readonly type: "map"; readonly items: Json; readonly concurrency: number; readonly do: GraphBody } & Pick<Worked, "retry">)
    | ({
        readonly type: "loop";
        readonly times?: number | string | undefined;
        readonly while?: string | undefined;
        readonly timesMax?: number | undefined;
        readonly do: GraphBody;
      } & Pick<Worked, "retry">)
    | ({ readonly type: "group"; readonly do: GraphBody } & Pick<Worked, "retry">)
    | {
        readonly type: "wait";
        readonly ms?: number | string | undefined;
        readonly until?: string | undefined;
        readonly signal?: string | undefined;
        readonly event?: string | undefined;
        /** What the signal's value or the event's data must be, as JSON Schema. Others are refused and waited past. */
        readonly schema?: Json | undefined;
        /** Which values are meant; others are waited past. It may use `value`. */
        readonly when?: string | undefined;
      }
    | {
        readonly type: "approval";
        readonly question: string;
        readonly detail?: Json | undefined;
        readonly approvers?: readonly string[] | undefined;
        readonly otherwise?: "approve" | "refuse" | undefined;
      }
    | { readonly type: "emit"; readonly event: string; readonly data: Json; readonly key?: string | undefined }
    | { readonly type: "fail"; readonly code: string; readonly message: string }
  );

/** What every node may say. */
interface NodeCommon {
  readonly title?: string | undefined;
  /**
   * When it runs, where several edges lead into it. "merge" (the default) waits for every edge that can still be taken, and wants one that
   * was: what comes together after a choice. "all" wants every edge; "any" and a quorum wait for as many and for no more.
   */
  readonly join?: "merge" | "all" | "any" | { readonly quorum: number } | undefined;
  /** What becomes of the nodes that lead only here when the join did not need them: cancelled unless "leave". */
  readonly losers?: "cancel" | "leave" | undefined;
  /** Of the whole node; of each attempt for tools and models. */
  readonly timeoutMs?: number | undefined;
}

/** What nodes that do work may say. */
interface Worked {
  readonly retry?: GraphRetry | undefined;
  /** Results are kept by the node's target and this key, for all runs. */
  readonly cache?: { readonly key: Json; readonly ttlMs: number } | undefined;
}

/** An outcome of a condition: the first whose expression holds is taken, "otherwise" when none does. */
export interface GraphCase {
  readonly case: string;
  readonly when: string;
}

/** How a node is tried again. */
export interface GraphRetry {
  readonly attemptsMax: number;
  readonly delayMs?: number | undefined;
  readonly delayMaxMs?: number | undefined;
  readonly nonRetryable?: readonly string[] | undefined;
}

/** Where a node stands. */
export type NodeStatus = "pending" | "running" | "waiting" | "completed" | "failed" | "skipped" | "cancelled";

/** Bounds of every graph. */
export const GRAPH_BOUNDS = {
  nodesMax: 500,
  edgesMax: 2_000,
  depthMax: 5,
  timesMax: 10_000,
  itemsMax: 10_000,
  amendmentsMax: 100,
} as const;

/** The nodes inside a node, if it has any. */
export function bodyOf(node: GraphNode): GraphBody | undefined {
  return node.type === "map" || node.type === "loop" || node.type === "group" ? node.do : undefined;
}

/** Whether a node has ended, in whatever way. */
export function hasEnded(status: NodeStatus): boolean {
  return status === "completed" || status === "failed" || status === "skipped" || status === "cancelled";
}
