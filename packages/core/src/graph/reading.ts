import type { Event, StepKind } from "../event.ts";
import type { Json } from "../json.ts";
import { applyChanges, type GraphChange } from "./amend.ts";
import { bodyOf, hasEnded, type Graph, type GraphBody, type GraphNode, type NodeStatus } from "./graph.ts";
import { AMEND_SIGNAL, AMENDED_EVENT, AMENDMENT_REFUSED_EVENT, GRAPH_STEP } from "./names.ts";
import { losersOf } from "./order.ts";
import { hasLosers } from "./readiness.ts";

/** Where a node stands in a run, as its log tells it. */
export interface NodeReading {
  /** Its id, with the ids and turns of the nodes around it: `each[2].fetch`. */
  readonly path: string;
  readonly type: GraphNode["type"];
  readonly status: NodeStatus;
  readonly startedAt?: string;
  readonly endedAt?: string;
  readonly waitingFor?: { readonly key: string; readonly kind: StepKind; readonly name: string; readonly until: string | null };
  readonly error?: { readonly code: string; readonly message: string };
}

/** What became of an amendment. */
export interface AmendmentReading {
  readonly id: string;
  readonly at: string;
  readonly isAccepted: boolean;
  readonly data: Json;
}

/** A run of a graph: the graph as it is now, every node of it and those inside that have begun, and its amendments. */
export interface GraphReading {
  readonly graph: Graph;
  readonly nodes: readonly NodeReading[];
  readonly amendments: readonly AmendmentReading[];
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** Nodes whose first step is all they do. */
const PURE: ReadonlySet<string> = new Set(["transform", "condition"]);
const NODE_PATH = /^[A-Za-z]\w*(?:\[\d+\])?(?:\.[A-Za-z]\w*(?:\[\d+\])?)*$/;
const DONE = " (done)";
const CACHE = " (cache)";
const FAILED = " (failed)";

/** Reads a graph's run from its log; `undefined` when it is no run of a graph. Values that stand in blobs must be there. Pure. */
export function readGraphRun(events: readonly Event[]): GraphReading | undefined {
  const reader = new RunReader();
  for (const event of events) reader.add(event);
  return reader.reading;
}

/** Folds a log. The step that carries a node's name tells which branch is the node's; what happens in that branch afterwards is the node's. */
class RunReader {
  #graph: Graph | undefined;
  readonly #nodes = new Map<string, Mutable<NodeReading>>();
  readonly #pathByBranch = new Map<string, string>();
  readonly #asked = new Map<string, Json>();
  readonly #amendments: AmendmentReading[] = [];

  get reading(): GraphReading | undefined {
    if (this.#graph === undefined) return undefined;
    for (const [id, node] of Object.entries(this.#graph.nodes))
      if (!this.#nodes.has(id)) this.#nodes.set(id, { path: id, type: node.type, status: "pending" });
    return { graph: this.#graph, nodes: [...this.#nodes.values()], amendments: this.#amendments };
  }

  add(event: Event): void {
    if (event.type === "run.started") this.#graph = isObject(event.input) ? graphOf(event.input["graph"]) : undefined;
    else if (event.type === "signal.received") this.#ask(event);
    else if (event.type === "step.completed") this.#completed(event);
    else if (event.type === "step.failed" && event.kind === "step" && NODE_PATH.test(event.name))
      this.#begin(event.name, event.key, event.at);
    else if (event.type === "step.started") this.#update(event.key, { status: "running" });
    else if (event.type === "step.waiting") {
      const { key, kind, name, until } = event;
      if (kind !== "sleep" || this.#isSleeper(key)) this.#update(key, { status: "waiting", waitingFor: { key, kind, name, until } });
    } else if (event.type === "run.completed" || event.type === "run.failed" || event.type === "run.cancelled") this.#end(event.at);
  }

  #ask({ name, value }: Event & { readonly type: "signal.received" }): void {
    if (name === AMEND_SIGNAL && isObject(value) && typeof value["id"] === "string") this.#asked.set(value["id"], value);
  }

  #completed(event: Event & { readonly type: "step.completed" }): void {
    const { kind, name, at, output } = event;
    if (kind === "step" && name === GRAPH_STEP) this.#graph = graphOf(output);
    else if (kind === "step" && name.endsWith(DONE)) this.#finish(this.#nodes.get(name.slice(0, -DONE.length)), "completed", at);
    else if (kind === "step" && name.endsWith(FAILED)) this.#failed(name.slice(0, -FAILED.length), output, at);
    else if (kind === "step" && NODE_PATH.test(name)) this.#begun(event);
    else if (kind === "emit" && (name === AMENDED_EVENT || name === AMENDMENT_REFUSED_EVENT))
      this.#amended(name === AMENDED_EVENT, output, at);
    else this.#worked(event);
  }

  /** Its first step is there; what only makes a value has made it. */
  #begun({ key, name: path, at }: Event & { readonly type: "step.completed" }): void {
    const node = this.#begin(path, key, at);
    if (node !== undefined && PURE.has(node.type)) this.#finish(this.#nodes.get(path), "completed", at);
  }

  /** A node's work is done when its step is; a look into its cache is its work only when something was there. */
  #worked({ key, kind, name, at, output }: Event & { readonly type: "step.completed" }): void {
    const node = this.#owner(key);
    if (node === undefined || isContainer(node.type)) return;
    if (name.endsWith(CACHE) && !(isObject(output) && output["hit"] === true)) return;
    if (kind !== "sleep" || this.#isSleeper(key)) this.#finish(node, "completed", at);
  }

  /** Whether a sleep is what the node does; others are its time limit, or the time between two attempts. */
  #isSleeper(key: string): boolean {
    const node = this.#find(this.#owner(key)?.path ?? "")?.node;
    return node?.type === "wait" && node.signal === undefined && node.event === undefined;
  }

  /** The node has said that it failed. One whose quorum cannot be reached has never begun. */
  #failed(path: string, output: Json, at: string): void {
    const type = this.#find(path)?.node.type;
    if (type === undefined || !isObject(output)) return;
    const node = this.#nodes.get(path) ?? { path, type, status: "running" };
    this.#nodes.set(path, node);
    this.#finish(node, "failed", at);
    node.error = { code: textOf(output["code"]), message: textOf(output["message"]) };
  }

  #begin(path: string, key: string, at: string): GraphNode | undefined {
    const found = this.#find(path);
    if (found === undefined) return undefined;
    const { node, id, body, around } = found;
    this.#pathByBranch.set(branchOf(key), path);
    this.#nodes.set(path, { path, type: node.type, status: "running", startedAt: at });
    if (!hasLosers(node) || node.losers === "leave") return node;
    const pathOf = (other: string): string => (around === "" ? other : `${around}.${other}`);
    for (const loser of losersOf(body, id, (other) => this.#nodes.get(pathOf(other))?.status ?? "pending")) {
      const type = body.nodes[loser]?.type ?? "transform";
      this.#nodes.set(pathOf(loser), {
        ...(this.#nodes.get(pathOf(loser)) ?? { path: pathOf(loser), type }),
        status: "cancelled",
        endedAt: at,
      });
    }
    return node;
  }

  #finish(node: Mutable<NodeReading> | undefined, status: NodeStatus, at: string): void {
    if (node === undefined || node.status === "cancelled") return;
    node.status = status;
    node.endedAt = at;
    delete node.waitingFor;
    delete node.error;
  }

  /** Something goes on in a node's branch. */
  #update(key: string, change: Pick<NodeReading, "status" | "waitingFor">): void {
    const node = this.#owner(key);
    if (node === undefined || node.status === "cancelled" || isContainer(node.type)) return;
    delete node.endedAt;
    delete node.waitingFor;
    Object.assign(node, change);
  }

  #amended(isAccepted: boolean, data: Json, at: string): void {
    const id = isObject(data) && typeof data["id"] === "string" ? data["id"] : "";
    this.#amendments.push({ id, at, isAccepted, data });
    const asked = this.#asked.get(id);
    if (!isAccepted || this.#graph === undefined || !isObject(asked)) return;
    const before = this.#graph;
    const after = graphOf(asked["graph"]) ?? applyChanges(before, asked["changes"] as unknown as readonly GraphChange[]).graph;
    for (const removed of Object.keys(before.nodes)) if (!Object.hasOwn(after.nodes, removed)) this.#nodes.delete(removed);
    this.#graph = after;
  }

  /** What has not run will not, and what was under way was given up. */
  #end(at: string): void {
    for (const [id, node] of Object.entries(this.#graph?.nodes ?? {}))
      if (!this.#nodes.has(id)) this.#nodes.set(id, { path: id, type: node.type, status: "skipped" });
    for (const node of this.#nodes.values()) if (!hasEnded(node.status)) this.#finish(node, "cancelled", at);
  }

  /** The node in whose branch a step stands: the nearest one around it. */
  #owner(key: string): Mutable<NodeReading> | undefined {
    for (let branch = branchOf(key); branch !== ""; branch = branchOf(branch)) {
      const path = this.#pathByBranch.get(branch);
      if (path !== undefined) return this.#nodes.get(path);
    }
    return undefined;
  }

  #find(path: string): { readonly node: GraphNode; readonly id: string; readonly body: GraphBody; readonly around: string } | undefined {
    let body: GraphBody | undefined = this.#graph;
    const parts = path.split(".");
    for (const [index, part] of parts.entries()) {
      const id = part.replace(/\[\d+\]$/, "");
      const node: GraphNode | undefined = body !== undefined && Object.hasOwn(body.nodes, id) ? body.nodes[id] : undefined;
      if (body === undefined || node === undefined) return undefined;
      if (index === parts.length - 1) return { node, id, body, around: parts.slice(0, -1).join(".") };
      body = bodyOf(node);
    }
    return undefined;
  }
}

/** A key without its last part. */
function branchOf(key: string): string {
  const end = key.lastIndexOf(".");
  return end === -1 ? "" : key.slice(0, end);
}

function isContainer(type: GraphNode["type"]): boolean {
  return type === "map" || type === "loop" || type === "group";
}

function isObject(value: Json | undefined): value is { readonly [key: string]: Json } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function textOf(value: Json | undefined): string {
  return typeof value === "string" ? value : "";
}

/** The interpreter has checked it; this only tells it from other values. */
function graphOf(value: Json | undefined): Graph | undefined {
  if (!isObject(value) || !isObject(value["nodes"]) || typeof value["name"] !== "string") return undefined;
  const graph = value as unknown as Graph;
  return { ...graph, edges: graph.edges ?? [] };
}
