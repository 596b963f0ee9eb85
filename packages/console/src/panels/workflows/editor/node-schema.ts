import type { Json } from "@tutti/core";
import { fieldsOf, type Fields } from "../../../parts/json-fields.ts";
import { textOf } from "./graph-text.ts";

/** How a field of a node is asked for. */
type NodeFieldKind = "text" | "long" | "number" | "choice" | "texts" | "value";

/** A field of a node. `path` leads to it within the node: ["retry", "attemptsMax"]. */
export interface NodeField {
  readonly path: readonly string[];
  readonly label: string;
  readonly about: string | undefined;
  readonly isRequired: boolean;
  readonly kind: NodeFieldKind;
  readonly options: readonly string[];
}

/** Fields that have parts of the form of their own. */
const APART: ReadonlySet<string> = new Set(["type", "title", "join", "do", "cases"]);
/** Fields that every kind may have; they come last, and folded. */
const COMMON: ReadonlySet<string> = new Set(["losers", "timeoutMs", "retry", "cache"]);
/** Texts of more than a line. */
const LONG: ReadonlySet<string> = new Set(["prompt", "system", "question", "message"]);

/** What the graph format says of one kind of node: what it does, its own fields, and those that all kinds may have. Pure. */
export function nodeSchemaOf(
  format: Json,
  type: string,
): { readonly about: string; readonly own: readonly NodeField[]; readonly common: readonly NodeField[] } {
  const nodes = resolved(format, fieldsOf(fieldsOf(format)["properties"])["nodes"]);
  const kinds = fieldsOf(nodes["additionalProperties"])["oneOf"];
  const schema = (Array.isArray(kinds) ? (kinds as readonly Json[]) : [])
    .map((kind) => resolved(format, kind))
    .find((kind) => fieldsOf(fieldsOf(kind["properties"])["type"])["const"] === type);
  if (schema === undefined) return { about: "", own: [], common: [] };
  const properties = Object.entries(fieldsOf(schema["properties"])).filter(([name]) => !APART.has(name));
  const required = namesOf(schema["required"]);
  const read = (isCommon: boolean): readonly NodeField[] =>
    properties
      .filter(([name]) => COMMON.has(name) === isCommon)
      .flatMap(([name, field]) => readField(format, { path: [name], isRequired: required.has(name) }, resolved(format, field)));
  return { about: textOf(schema["description"]), own: read(false), common: read(true) };
}

function readField(format: Json, { path, isRequired }: Pick<NodeField, "path" | "isRequired">, schema: Fields): readonly NodeField[] {
  if (schema["type"] === "object" && "properties" in schema) {
    const required = namesOf(schema["required"]);
    return Object.entries(fieldsOf(schema["properties"])).flatMap(([name, field]) =>
      readField(format, { path: [...path, name], isRequired: isRequired && required.has(name) }, resolved(format, field)),
    );
  }
  const about = schema["description"];
  const options = Array.isArray(schema["enum"]) ? (schema["enum"] as readonly Json[]).map(String) : [];
  return [
    {
      path,
      label: path.join(" "),
      about: typeof about === "string" ? about : undefined,
      isRequired,
      kind: kindOf(schema, path),
      options,
    },
  ];
}

function kindOf(schema: Fields, path: readonly string[]): NodeFieldKind {
  const { type } = schema;
  if (Array.isArray(schema["enum"])) return "choice";
  if (type === "string") return LONG.has(path.at(-1) ?? "") ? "long" : "text";
  if (type === "integer" || type === "number") return "number";
  if (type === "array" && fieldsOf(schema["items"])["type"] === "string") return "texts";
  return "value";
}

/** A schema in the place of a reference to it. */
function resolved(format: Json, schema: Json | undefined): Fields {
  const fields = fieldsOf(schema);
  const { $ref } = fields;
  if (typeof $ref !== "string") return fields;
  const name = $ref.split("/").at(-1) ?? "";
  return { ...fieldsOf(fieldsOf(fieldsOf(format)["$defs"])[name]), ...fields };
}

function namesOf(list: Json | undefined): ReadonlySet<string> {
  return new Set(Array.isArray(list) ? (list as readonly Json[]).map(String) : []);
}
