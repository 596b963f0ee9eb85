import type { Json } from "../json.ts";
import type { ModelRequest, ToolSpec } from "../model.ts";
import { arrayAt, isObject, misfit, objectAt, stringAt, unsupported, type JsonObject } from "./shape.ts";

/**
 * How the calls of a tool are written in the Responses format. A model sees every tool as a function: a custom tool has one string,
 * `input`; the shells and `apply_patch`, which the client runs itself, have the fields of their calls.
 */
export type ToolShape =
  | { readonly type: "function" | "custom"; readonly name: string; readonly namespace?: string }
  | { readonly type: "local_shell" | "shell" | "apply_patch" | "tool_search" };

/** The tools of a request: what the model is told of, and how its calls are written, by the name it knows them under. */
export interface Toolbox {
  readonly specs: readonly ToolSpec[];
  readonly shapes: ReadonlyMap<string, ToolShape>;
}

/** What a model may do without: it would look something up if it could. Without the rest, the answer would be another one. */
const DISPENSABLE: ReadonlySet<string> = new Set([
  "web_search",
  "web_search_2025_08_26",
  "web_search_preview",
  "web_search_preview_2025_03_11",
]);

const NAME_CHARS_MAX = 64;

/**
 * The tools of a request body, and those that its input brings later. Those that only OpenAI can run are `unsupported`, except searches,
 * which are left out.
 */
export function decodeTools(body: JsonObject): Toolbox {
  const specs: ToolSpec[] = [];
  const shapes = new Map<string, ToolShape>();
  const add = (spec: ToolSpec, shape: ToolShape, path: string): void => {
    if (spec.name.length > NAME_CHARS_MAX) throw unsupported(`${path}.name`, `at most ${NAME_CHARS_MAX} characters`, spec.name);
    // What a search found again is there already.
    if (shapes.has(spec.name)) return;
    specs.push(spec);
    shapes.set(spec.name, shape);
  };
  addTools(body.tools, { path: "tools", add });
  const input: readonly unknown[] = Array.isArray(body.input) ? body.input : [];
  for (const [index, item] of input.entries())
    if (isObject(item) && (item.type === "additional_tools" || item.type === "tool_search_output"))
      addTools(item.tools, { path: `input[${index}].tools`, add });
  return { specs, shapes };
}

function addTools(value: unknown, place: ToolPlace): void {
  for (const [index, item] of arrayAt(value ?? [], place.path).entries()) {
    const path = `${place.path}[${index}]`;
    const tool = objectAt(item, path);
    if (tool.type === "namespace")
      addTools(tool.tools, { ...place, path: `${path}.tools`, namespace: stringAt(tool.name, `${path}.name`) });
    else decodeTool(tool, { ...place, path });
  }
}

/** The name a model knows a tool under: a namespace's tools carry it before their own names. */
export function flatName(name: string, namespace: unknown): string {
  return typeof namespace === "string" && namespace !== "" ? `${namespace}__${name}` : name;
}

interface ToolPlace {
  readonly path: string;
  readonly add: (spec: ToolSpec, shape: ToolShape, path: string) => void;
  readonly namespace?: string;
}

function decodeTool(tool: JsonObject, place: ToolPlace): void {
  const { path, add } = place;
  switch (tool.type) {
    case "function":
    case "custom":
      addNamed(tool, tool.type, place);
      return;
    case "local_shell":
      add(LOCAL_SHELL, { type: "local_shell" }, path);
      return;
    case "shell": {
      const { environment } = tool;
      const isLocal = environment === undefined || environment === null || (isObject(environment) && environment.type === "local");
      if (!isLocal)
        throw unsupported(`${path}.environment`, `a "local" environment`, isObject(environment) ? environment.type : environment);
      add(SHELL, { type: "shell" }, path);
      return;
    }
    case "apply_patch":
      add(APPLY_PATCH, { type: "apply_patch" }, path);
      return;
    case "tool_search":
      if (tool.execution === "client") add(searchSpec(tool, path), { type: "tool_search" }, path);
      return;
    default: {
      const type = stringAt(tool.type, `${path}.type`);
      if (!DISPENSABLE.has(type)) throw unsupported(`${path}.type`, "a tool that the client runs itself", type);
    }
  }
}

function addNamed(tool: JsonObject, type: "function" | "custom", { path, add, namespace }: ToolPlace): void {
  const name = stringAt(tool.name, `${path}.name`);
  const description = stringAt(tool.description ?? "", `${path}.description`);
  const shape: ToolShape = { type, name, ...(namespace !== undefined && { namespace }) };
  const head = { name: flatName(name, namespace), description };
  if (type === "function") {
    const strict = typeof tool.strict === "boolean" ? { strict: tool.strict } : {};
    add({ ...head, parameters: decodeParameters(tool.parameters, `${path}.parameters`), ...strict }, shape, path);
    return;
  }
  add({ ...head, description: description + grammarNote(tool.format, `${path}.format`), parameters: CUSTOM_PARAMETERS }, shape, path);
}

function searchSpec(tool: JsonObject, path: string): ToolSpec {
  const { parameters } = tool;
  return {
    name: "tool_search",
    description: stringAt(tool.description ?? "Finds more tools that can be called from then on.", `${path}.description`),
    parameters: parameters === undefined || parameters === null ? QUERY : decodeParameters(parameters, `${path}.parameters`),
  };
}

/** JSON Schema; a tool without any takes an empty object, as OpenAI's reference says. */
function decodeParameters(value: unknown, path: string): Json {
  if (value === undefined || value === null) return { type: "object", properties: {} };
  if (!isObject(value)) throw misfit(path, "a JSON Schema object", value);
  return value as Json;
}

/** No other provider constrains a tool's text by a grammar; a model that is told of it keeps to it most of the time. */
function grammarNote(value: unknown, path: string): string {
  if (value === undefined || value === null) return "";
  const format = objectAt(value, path);
  if (format.type !== "grammar") return "";
  const syntax = stringAt(format.syntax, `${path}.syntax`);
  return `\n\n"input" must fit this ${syntax} grammar exactly:\n${stringAt(format.definition, `${path}.definition`)}`;
}

const QUERY: Json = { type: "object", properties: { query: { type: "string" } }, required: ["query"] };

const CUSTOM_PARAMETERS: Json = {
  type: "object",
  properties: { input: { type: "string", description: "The tool's whole input, as plain text." } },
  required: ["input"],
  additionalProperties: false,
};

const STRINGS: Json = { type: "array", items: { type: "string" } };

const LOCAL_SHELL: ToolSpec = {
  name: "local_shell",
  description: "Runs a command on the user's machine and returns what it printed.",
  parameters: {
    type: "object",
    properties: {
      command: { ...(STRINGS as object), description: "The program and its arguments." },
      working_directory: { type: "string" },
      timeout_ms: { type: "integer" },
      env: { type: "object", additionalProperties: { type: "string" } },
    },
    required: ["command"],
  },
};

const SHELL: ToolSpec = {
  name: "shell",
  description: "Runs shell commands on the user's machine, in order, and returns what each printed and how it ended.",
  parameters: {
    type: "object",
    properties: { commands: STRINGS, timeout_ms: { type: "integer" }, max_output_length: { type: "integer" } },
    required: ["commands"],
  },
};

const APPLY_PATCH: ToolSpec = {
  name: "apply_patch",
  description:
    'Creates, updates or deletes one file. "diff" is a V4A diff: lines that begin with "+" are added, with "-" removed, with a space kept; "@@" begins a section. A new file\'s lines all begin with "+".',
  parameters: {
    type: "object",
    properties: {
      type: { type: "string", enum: ["create_file", "update_file", "delete_file"] },
      path: { type: "string" },
      diff: { type: "string" },
    },
    required: ["type", "path"],
  },
};

/** `tool_choice`; a list of allowed tools leaves the others out, so that a model cannot call them. */
export function decodeToolChoice(
  value: unknown,
  box: Toolbox,
): { readonly tools: readonly ToolSpec[]; readonly choice?: NonNullable<ModelRequest["toolChoice"]> } {
  const tools = box.specs;
  if (value === undefined || value === null || value === "auto") return { tools };
  if (value === "none" || value === "required") return { tools, choice: value };
  const fields = objectAt(value, "tool_choice");
  if (fields.type !== "allowed_tools") return { tools, choice: { name: chosenName(fields, box, "tool_choice") } };
  const names = arrayAt(fields.tools, "tool_choice.tools").map((item, index) => {
    const path = `tool_choice.tools[${index}]`;
    return chosenName(objectAt(item, path), box, path);
  });
  const allowed = tools.filter(({ name }) => names.includes(name));
  return fields.mode === "required" ? { tools: allowed, choice: "required" } : { tools: allowed };
}

function chosenName(fields: JsonObject, box: Toolbox, path: string): string {
  const type = stringAt(fields.type, `${path}.type`);
  const isNamed = type === "function" || type === "custom";
  const name = isNamed ? flatName(stringAt(fields.name, `${path}.name`), fields.namespace) : type;
  if (box.shapes.has(name)) return name;
  if (isNamed) throw misfit(`${path}.name`, "the name of one of the tools", fields.name);
  throw unsupported(`${path}.type`, "a tool that the client runs itself", type);
}
