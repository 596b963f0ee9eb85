import { AppError, type Json } from "@tutti/core";
import {
  ancestors,
  bodyOf,
  edgesBy,
  orMeant,
  topologicalOrder,
  type Graph,
  type GraphBody,
  type GraphEdge,
  type GraphNode,
  type GraphProblem,
} from "@tutti/core/graph";
import { checkExpression, type ValueType } from "./expression.ts";
import { fieldsOf, type Expected } from "./fields.ts";
import { piecesOf } from "./template.ts";
import { isObject, typeNamed, typeOfOutput, typeOfSchema } from "./value-types.ts";

type Path = readonly (string | number)[];
type Types = Readonly<Record<string, ValueType>>;

/** What expressions may use at one place. */
interface Place {
  readonly variables: Types;
  /** The type of a node that has ended by then; `undefined` for all others. */
  readonly nodeType: (id: string) => ValueType | undefined;
  /** The nodes of the same body, and those that have ended around it. */
  readonly names: () => readonly string[];
  readonly isBeside: (id: string) => boolean;
}

const NOWHERE = { nodeType: () => undefined, names: () => [], isBeside: () => false } as const;

/** What is wrong with the expressions of a graph: their syntax, their types, and nodes they speak of too early. Also tells the type of every text that is one expression, by its path as JSON. Pure. */
export function checkExpressions(graph: Graph): {
  readonly problems: readonly GraphProblem[];
  readonly types: ReadonlyMap<string, string>;
} {
  const check = new ExpressionCheck();
  const variables = {
    input: graph.input === undefined ? "dyn" : typeOfSchema(graph.input),
    run: { id: "string" },
    principal: { id: "string", tenant: "string" },
  } as const;
  check.body(graph, [], { variables, ...NOWHERE });
  return check;
}

/** One look at all expressions; it gathers what it finds. */
class ExpressionCheck {
  readonly problems: GraphProblem[] = [];
  readonly types = new Map<string, string>();

  body(body: GraphBody, path: Path, outer: Place): void {
    const ordered = topologicalOrder(body);
    const incoming = edgesBy("to", body);
    const outputs = new Map<string, ValueType>();
    const before = memo((id) => ancestors(body, id, incoming));
    const certain = new Set<string>();
    for (const id of new Set([...ordered, ...Object.keys(body.nodes)])) {
      const node = body.nodes[id];
      if (node === undefined) continue;
      const place = at(body, (other) => before(id).has(other), { outer, outputs });
      const type = this.#node(node, [...path, "nodes", id], place);
      if ((incoming.get(id) ?? []).every((edge) => certain.has(edge.from) && isUnconditional(edge))) certain.add(id);
      outputs.set(id, certain.has(id) ? type : "dyn");
    }
    for (const [index, edge] of body.edges.entries())
      this.#edge(
        edge,
        [...path, "edges", index],
        at(body, (id) => id === edge.from || before(edge.from).has(id), { outer, outputs }),
      );
    if (body.output !== undefined)
      this.#template(body.output, [...path, "output"], {
        place: at(body, (id) => Object.hasOwn(body.nodes, id), { outer, outputs }),
        expected: "any",
      });
  }

  /** Returns the type of what the node gives. */
  #node(node: GraphNode, path: Path, place: Place): ValueType {
    for (const { key, expected, value } of fieldsOf(node)) this.#template(value, [...path, key], { place, expected });
    if ("cache" in node && node.cache !== undefined) this.#template(node.cache.key, [...path, "cache", "key"], { place, expected: "any" });
    this.#questions(node, path, place);
    const inner = bodyOf(node);
    if (inner !== undefined)
      this.body(inner, [...path, "do"], plus(place, node.type === "map" || node.type === "loop" ? INSIDE[node.type] : {}));
    return typeOfOutput(node, node.type === "transform" ? this.#typeOf(node.value, [...path, "value"]) : "dyn");
  }

  /** Expressions that are asked while the node runs, each with variables of its own. */
  #questions(node: GraphNode, path: Path, place: Place): void {
    const ask = (when: string | undefined, at: Path, variables: Types): void => {
      if (when !== undefined) this.#template(when, [...path, ...at], { place: plus(place, variables), expected: "expression" });
    };
    if (node.type === "condition") for (const [index, { when }] of (node.cases ?? []).entries()) ask(when, ["cases", index, "when"], {});
    if (node.type === "wait") ask(node.when, ["when"], { value: node.signal === undefined ? "dyn" : typeOfSchema(node.schema) });
    if (node.type === "loop") ask(node.while, ["while"], INSIDE.loop);
  }

  #edge(edge: GraphEdge, path: Path, place: Place): void {
    if (edge.when === undefined) return;
    const source = place.nodeType(edge.from);
    const output = typeof source === "object" ? (source["output"] ?? "dyn") : "dyn";
    this.#template(edge.when, [...path, "when"], {
      place: plus(place, { output, error: { code: "string", message: "string" } }),
      expected: "expression",
    });
  }

  #typeOf(value: Json, path: Path): ValueType {
    if (typeof value === "string") return typeNamed(this.types.get(JSON.stringify(path)) ?? (value.includes("${") ? "dyn" : "string"));
    if (typeof value === "number") return "double";
    if (typeof value === "boolean") return "bool";
    if (Array.isArray(value)) return "list";
    return isObject(value)
      ? Object.fromEntries(Object.entries(value).map(([key, item]) => [key, this.#typeOf(item, [...path, key])]))
      : "dyn";
  }

  #template(value: Json, path: Path, wanted: { readonly place: Place; readonly expected: Expected }): void {
    if (typeof value === "string") this.#text(value, path, wanted);
    else if (Array.isArray(value))
      for (const [index, item] of value.entries()) this.#template(item, [...path, index], { ...wanted, expected: "any" });
    else if (isObject(value)) {
      if (wanted.expected === "list") this.#type(path, "wanted a list, got an object; write a list, or an expression that gives one");
      for (const [key, item] of Object.entries(value)) this.#template(item, [...path, key], { ...wanted, expected: "any" });
    } else if (wanted.expected === "list")
      this.#type(path, `wanted a list, got ${JSON.stringify(value)}; write a list, or an expression that gives one`);
  }

  #text(text: string, path: Path, { place, expected }: { readonly place: Place; readonly expected: Expected }): void {
    try {
      const pieces = piecesOf(text);
      const [only] = pieces;
      const whole = pieces.length === 1 && only !== undefined && "expression" in only ? only : undefined;
      if (whole === undefined && expected !== "any" && expected !== "text")
        this.#type(path, `wanted an expression as \${ … } and nothing around it, got ${JSON.stringify(text.slice(0, 60))}`);
      for (const piece of pieces) {
        if (!("expression" in piece)) continue;
        const type = this.#expression(piece, path, place);
        if (piece !== whole || type === undefined) continue;
        this.types.set(JSON.stringify(path), type);
        if (!fits(type, expected)) this.#type(path, `wanted ${WANTED[expected]}, got an expression that gives ${NAMED[type] ?? type}`);
      }
    } catch (thrown) {
      this.problems.push({ code: "expression", path, message: AppError.from(thrown).message });
    }
  }

  /** The type of what an expression gives, if nothing is wrong with it. */
  #expression(
    { expression, offset }: { readonly expression: string; readonly offset: number },
    path: Path,
    place: Place,
  ): string | undefined {
    const check = checkExpression(expression, place.variables, place.nodeType);
    const early = check.nodes.filter(({ id }) => place.nodeType(id) === undefined);
    for (const { id, offset: from } of early) {
      const isBeside = place.isBeside(id);
      const message = isBeside
        ? `${id} need not have ended by then, so what it gave is not there; lead an edge from it to here`
        : `wanted a node that ends before, got "${id}", which is none; ${orMeant(id, place.names())}`;
      this.problems.push({ code: isBeside ? "expression" : "unknown_node", path, offset: offset + from, message });
    }
    if (check.ok) return check.type;
    if (early.length === 0)
      this.problems.push({ code: "expression", path, offset: offset + check.fault.offset, message: check.fault.message });
    return undefined;
  }

  #type(path: Path, message: string): void {
    this.problems.push({ code: "type", path, message });
  }
}

/** What is there inside a node beside what is there outside. */
const INSIDE = { map: { item: "dyn", index: "double" }, loop: { iteration: "double", last: "dyn" } } as const satisfies Readonly<
  Record<string, Types>
>;

function at(
  body: GraphBody,
  hasEnded: (id: string) => boolean,
  { outer, outputs }: { readonly outer: Place; readonly outputs: ReadonlyMap<string, ValueType> },
): Place {
  return {
    variables: outer.variables,
    nodeType: (id) => {
      if (!Object.hasOwn(body.nodes, id)) return outer.nodeType(id);
      return hasEnded(id) ? { status: "string", output: outputs.get(id) ?? "dyn", error: "dyn" } : undefined;
    },
    names: () => [...Object.keys(body.nodes), ...outer.names()],
    isBeside: (id) => Object.hasOwn(body.nodes, id),
  };
}

/** The same, worked out once for each. */
function memo<T>(make: (id: string) => T): (id: string) => T {
  const known = new Map<string, T>();
  return (id) => {
    const value = known.get(id) ?? make(id);
    known.set(id, value);
    return value;
  };
}

function plus(place: Place, variables: Types): Place {
  return { ...place, variables: { ...place.variables, ...variables } };
}

function isUnconditional(edge: GraphEdge): boolean {
  return edge.when === undefined && edge.case === undefined && edge.on !== "error";
}

function fits(type: string, expected: Expected): boolean {
  if (type === "dyn" || type.startsWith("optional") || expected === "any") return true;
  switch (expected) {
    case "expression":
      return type === "bool";
    case "number":
      return ["int", "uint", "double", "google.protobuf.Duration"].includes(type);
    case "list":
      return type.startsWith("list");
    case "text":
      return type === "string" || type === "google.protobuf.Timestamp";
  }
}

const WANTED: Readonly<Record<Expected, string>> = {
  any: "a value",
  text: "a text",
  number: "a number",
  list: "a list",
  expression: "true or false",
};
const NAMED: Readonly<Record<string, string>> = {
  bool: "true or false",
  int: "a number",
  uint: "a number",
  double: "a number",
  string: "a text",
  null: "null",
};
