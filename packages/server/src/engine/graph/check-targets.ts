import type { Json } from "@tutti/core";
import { bodyOf, orMeant, type GraphBody, type GraphNode, type GraphProblem } from "@tutti/core/graph";
import { changeSchema } from "./shape.ts";
import { isObject, typeNamed } from "./value-types.ts";

type Path = readonly (string | number)[];

/** What is installed here, for graphs that are checked against it. */
export interface KnownTargets {
  /** Tools by name, with their input as JSON Schema. */
  readonly tools: ReadonlyMap<string, Json>;
  readonly workflows: readonly string[];
  readonly agents: readonly string[];
  readonly models: readonly string[];
  readonly isModel: (id: string) => boolean;
}

/** Tools, agents, workflows and models that are not there, and literal inputs a tool would refuse. `types` are those of expressions, by path. */
export function checkTargets(
  body: GraphBody,
  known: KnownTargets,
  { path = [], types }: { readonly path?: Path; readonly types: ReadonlyMap<string, string> },
): readonly GraphProblem[] {
  return Object.entries(body.nodes).flatMap(([id, node]) => {
    const at = [...path, "nodes", id];
    const inner = bodyOf(node);
    return [
      ...checkTarget(node, at, { known, types }),
      ...(inner === undefined ? [] : checkTargets(inner, known, { path: [...at, "do"], types })),
    ];
  });
}

/** The same for nodes that changes bring; what cannot be read in them is left to whoever takes them over. Paths lead into the list. */
export function checkChangedTargets(changes: unknown, known: KnownTargets): readonly GraphProblem[] {
  return (Array.isArray(changes) ? changes : []).flatMap((change, index) => {
    const read = changeSchema.safeParse(change);
    if (!read.success || (read.data.do !== "add" && read.data.do !== "replace")) return [];
    const { id, node } = read.data;
    const problems = checkTargets({ nodes: { [id]: node }, edges: [] }, known, { types: new Map() });
    return problems.map((problem) => ({ ...problem, path: [index, "node", ...problem.path.slice(2)] }));
  });
}

interface Known {
  readonly known: KnownTargets;
  readonly types: ReadonlyMap<string, string>;
}

function checkTarget(node: GraphNode, path: Path, { known, types }: Known): readonly GraphProblem[] {
  switch (node.type) {
    case "tool": {
      const parameters = known.tools.get(node.tool);
      if (parameters === undefined) return [unknown([...path, "tool"], node.tool, [...known.tools.keys()])];
      return checkLiteral(node.input, parameters, { path: [...path, "input"], types });
    }
    case "agent":
      return known.agents.includes(node.agent) ? [] : [unknown([...path, "agent"], node.agent, known.agents)];
    case "workflow":
      return known.workflows.includes(node.workflow) ? [] : [unknown([...path, "workflow"], node.workflow, known.workflows)];
    case "model":
      return node.model === "default" || known.isModel(node.model) ? [] : [unknown([...path, "model"], node.model, known.models)];
    case "condition":
    case "transform":
    case "map":
    case "loop":
    case "group":
    case "wait":
    case "approval":
    case "emit":
    case "fail":
      return [];
  }
}

function unknown(path: Path, name: string, names: readonly string[]): GraphProblem {
  const what = path.at(-1);
  return {
    code: "unknown_target",
    path,
    message: `wanted ${what === "agent" ? "an" : "a"} ${what} that is installed, got "${name}", which is none; ${orMeant(name, names)}`,
  };
}

interface At {
  readonly path: Path;
  readonly types: ReadonlyMap<string, string>;
}

/** Holds what is literal in an input against a JSON Schema, and expressions by their types; what only the run can tell is let pass. */
function checkLiteral(value: Json, schema: Json, { path, types }: At): readonly GraphProblem[] {
  if (!isObject(schema)) return [];
  if (typeof value === "string" && value.includes("${")) {
    const type = typeNamed(types.get(JSON.stringify(path)) ?? (isWhole(value) ? "dyn" : "string"));
    return typeof type === "string" && type !== "dyn" && !fitsType(type, schema["type"])
      ? [mismatch(path, schema["type"], `an expression that gives ${NAMED[type] ?? type}`)]
      : [];
  }
  if (!fitsValue(value, schema["type"])) return [mismatch(path, schema["type"], JSON.stringify(value).slice(0, 60))];
  if (Array.isArray(schema["enum"]) && !schema["enum"].some((item) => item === value))
    return [
      {
        code: "type",
        path,
        message: `wanted one of ${schema["enum"].map((item) => JSON.stringify(item)).join(", ")}, got ${JSON.stringify(value).slice(0, 60)}`,
      },
    ];
  if (Array.isArray(value))
    return value.flatMap((item, index) => checkLiteral(item, schema["items"] ?? {}, { path: [...path, index], types }));
  return isObject(value) ? checkProperties(value, schema, { path, types }) : [];
}

function checkProperties(
  value: { readonly [key: string]: Json },
  schema: { readonly [key: string]: Json },
  { path, types }: At,
): readonly GraphProblem[] {
  const properties = isObject(schema["properties"]) ? schema["properties"] : {};
  const required = Array.isArray(schema["required"]) ? schema["required"] : [];
  const missing = required.filter((key) => typeof key === "string" && !Object.hasOwn(value, key));
  const strange = schema["additionalProperties"] === false ? Object.keys(value).filter((key) => !Object.hasOwn(properties, key)) : [];
  return [
    ...missing.map((key): GraphProblem => ({ code: "type", path, message: `wanted ${String(key)} in the input, got none; add it` })),
    ...strange.map((key): GraphProblem => ({
      code: "type",
      path: [...path, key],
      isKey: true,
      message: `the input has no ${key}; ${orMeant(key, Object.keys(properties))}`,
    })),
    ...Object.entries(value).flatMap(([key, item]) =>
      Object.hasOwn(properties, key) ? checkLiteral(item, properties[key] ?? {}, { path: [...path, key], types }) : [],
    ),
  ];
}

function isWhole(text: string): boolean {
  return text.startsWith("${") && text.endsWith("}");
}

function mismatch(path: Path, type: Json | undefined, got: string): GraphProblem {
  return {
    code: "type",
    path,
    message: `wanted a value of type ${Array.isArray(type) ? type.map((name) => JSON.stringify(name)).join(" or ") : JSON.stringify(type)}, got ${got}`,
  };
}

function fitsValue(value: Json, type: Json | undefined): boolean {
  const types = Array.isArray(type) ? type : [type];
  return types.some((name) => {
    switch (name) {
      case "string":
      case "boolean":
        return typeof value === name;
      case "number":
        return typeof value === "number";
      case "integer":
        return Number.isInteger(value);
      case "array":
        return Array.isArray(value);
      case "object":
        return isObject(value);
      case "null":
        return value === null;
      default:
        return true;
    }
  });
}

const NAMED: Readonly<Record<string, string>> = { bool: "true or false", double: "a number", string: "a text", list: "a list" };

/** Whether a CEL type can be of a JSON Schema type. */
function fitsType(type: string, schemaType: Json | undefined): boolean {
  const names: Readonly<Record<string, readonly string[]>> = {
    bool: ["boolean"],
    double: ["number", "integer"],
    string: ["string"],
    list: ["array"],
  };
  const wanted = Array.isArray(schemaType) ? schemaType : [schemaType];
  return wanted.some((name) => typeof name !== "string" || (names[type] ?? [name]).includes(name));
}
