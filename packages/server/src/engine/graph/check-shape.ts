import type { Graph, GraphEdge, GraphNode, GraphProblem } from "@tutti/core/graph";
import { orMeant } from "@tutti/core/graph";
import type { z } from "zod";
import { edgeSchema, headSchema, nodeSchema } from "./shape.ts";

type Path = readonly (string | number)[];

/** A graph as far as its shape can be read, and what is wrong with it. */
export interface Shape {
  readonly graph: Graph;
  readonly problems: readonly GraphProblem[];
}

const NODE_TYPES = nodeSchema.options.map(({ shape }) => shape.type.value);
const BODY_KEYS = ["nodes", "edges", "start", "output"];
const HEAD_KEYS = Object.keys(headSchema.shape);

/** Reads nodes and edges one by one, so that what is wrong in one of them does not hide what is wrong in the others. Never throws. */
export function readShape(value: unknown): Shape {
  try {
    return shapeOf(value);
  } catch (thrown) {
    if (!(thrown instanceof RangeError)) throw thrown;
    return {
      graph: EMPTY,
      problems: [{ code: "too_large", path: [], message: "wanted values nested less deep; the graph cannot be read" }],
    };
  }
}

const EMPTY: Graph = { name: "graph", version: "1", nodes: {}, edges: [] };
/** Stands in a node's place when the node cannot be read, so that edges to it are no further problems. */
const UNREADABLE: GraphNode = { type: "transform", value: null };

function shapeOf(value: unknown): Shape {
  if (!isObject(value))
    return { graph: EMPTY, problems: [{ code: "shape", path: [], message: `wanted a graph with a name and nodes, got ${kindOf(value)}` }] };
  const problems: GraphProblem[] = [];
  const report = (error: z.ZodError, path: Path): void =>
    void problems.push(...error.issues.flatMap((issue) => describe(issue, path, value)));
  const { nodes, edges = [], ...rest } = value;
  const head = headSchema.safeParse(rest);
  if (!head.success) report(head.error, []);
  if (!isObject(nodes))
    problems.push({
      code: "shape",
      path: nodes === undefined ? [] : ["nodes"],
      message: `wanted nodes by their ids in nodes, got ${kindOf(nodes)}`,
    });
  if (!Array.isArray(edges)) problems.push({ code: "shape", path: ["edges"], message: `wanted a list of edges, got ${kindOf(edges)}` });
  const readNodes = Object.entries(isObject(nodes) ? nodes : {}).map(([id, node]): readonly [string, GraphNode] => {
    const read = nodeSchema.safeParse(node);
    if (!read.success) report(read.error, ["nodes", id]);
    return [id, read.success ? read.data : UNREADABLE];
  });
  const readEdges = (Array.isArray(edges) ? edges : []).flatMap((edge, index): readonly GraphEdge[] => {
    const read = edgeSchema.safeParse(edge);
    if (!read.success) report(read.error, ["edges", index]);
    return read.success ? [read.data] : [];
  });
  return {
    graph: {
      ...(head.success ? head.data : { ...readableHead(rest), name: EMPTY.name, version: EMPTY.version }),
      nodes: Object.fromEntries(readNodes),
      edges: readEdges,
    },
    problems,
  };
}

/** What expressions rest on, also when something else in the head is wrong. */
function readableHead(head: Readonly<Record<string, unknown>>): Pick<Graph, "input" | "output" | "start"> {
  const kept = Object.entries(head).filter(([key]) => key === "input" || key === "output" || key === "start");
  const read = headSchema.pick({ input: true, output: true, start: true }).safeParse(Object.fromEntries(kept));
  return read.success ? read.data : {};
}

/** What a schema found, in the words of a graph. */
export function describe(issue: z.core.$ZodIssue, base: Path, root: unknown): readonly GraphProblem[] {
  const path = [...base, ...issue.path.map((part) => (typeof part === "number" ? part : String(part)))];
  const value = valueAt(root, path);
  if (issue.code === "unrecognized_keys") {
    const known = keysOf(value, path);
    return issue.keys.map((key) => ({
      code: "unknown_key",
      path: [...path, key],
      isKey: true,
      message: `${key} is no key here; ${orMeant(key, known)}`,
    }));
  }
  const isType = issue.code === "invalid_union" && path.at(-1) === "type";
  if (value === undefined && path.length > 0) {
    const kind = isType ? ` (${NODE_TYPES.join(", ")})` : issue.code === "invalid_type" ? ` (${article(issue.expected)})` : "";
    return [{ code: "shape", path: path.slice(0, -1), isKey: true, message: `wanted ${String(path.at(-1))}${kind}, got none; add it` }];
  }
  const message = isType ? `wanted a type of node, got ${kindOf(value)}; ${orMeant(textOf(value), NODE_TYPES)}` : messageOf(issue, value);
  return [{ code: "shape", path, message }];
}

function messageOf(issue: z.core.$ZodIssue, value: unknown): string {
  if (issue.code === "invalid_type") return `wanted ${article(issue.expected)}, got ${kindOf(value)}`;
  if (issue.code === "invalid_value") {
    const values = issue.values.map(String);
    return `wanted ${values.join(" or ")}, got ${kindOf(value)}; ${orMeant(textOf(value), values)}`;
  }
  return issue.message.startsWith("wanted") || issue.code === "invalid_union" ? `${issue.message}, got ${kindOf(value)}` : issue.message;
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

/** The keys that could stand where an unknown one does. */
function keysOf(value: unknown, path: Path): readonly string[] {
  if (path.length === 0) return [...HEAD_KEYS, ...BODY_KEYS];
  const name = path.at(-1);
  const option = isObject(value) ? nodeSchema.options.find(({ shape }) => shape.type.value === value["type"]) : undefined;
  if (option !== undefined && path.at(-2) === "nodes") return Object.keys(option.shape);
  if (name === "do") return BODY_KEYS;
  if (typeof name === "number") return Object.keys(edgeSchema.shape);
  return INNER_KEYS[String(name)] ?? [];
}

const INNER_KEYS: Readonly<Record<string, readonly string[]>> = {
  retry: ["attemptsMax", "delayMs", "delayMaxMs", "nonRetryable"],
  cache: ["key", "ttlMs"],
  limits: ["timeMs", "tokensMax", "costUsdMax"],
  join: ["quorum"],
};

function valueAt(root: unknown, path: Path): unknown {
  let value = root;
  for (const part of path) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, part)) return undefined;
    value = (value as Readonly<Record<string, unknown>>)[part];
  }
  return value;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function kindOf(value: unknown): string {
  if (value === undefined) return "none";
  if (value === null) return "null";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object") return "an object";
  return JSON.stringify(value).slice(0, 60);
}

function article(type: string): string {
  const names: Readonly<Record<string, string>> = {
    string: "a text",
    int: "a whole number",
    number: "a number",
    boolean: "true or false",
    array: "a list",
    object: "an object",
    record: "an object",
  };
  return names[type] ?? `a ${type}`;
}
