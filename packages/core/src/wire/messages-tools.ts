import type { Json } from "../json.ts";
import type { ToolSpec } from "../model.ts";
import { arrayAt, flagAt, objectAt, stringAt, type JsonObject } from "./shape.ts";

/**
 * Reads the tools of a request. Those of Anthropic's own that the client runs get the schema that Anthropic's models know by heart; those
 * that its servers run, and screens, no other model could use: they are left out.
 */
export function decodeTools(value: unknown): readonly ToolSpec[] {
  return arrayAt(value ?? [], "tools").flatMap((item, index): readonly ToolSpec[] => {
    const path = `tools[${index}]`;
    const tool = objectAt(item, path);
    const type = tool.type === undefined || tool.type === null ? "custom" : stringAt(tool.type, `${path}.type`);
    return type === "custom" ? [decodeTool(tool, path)] : knownTool(type, tool);
  });
}

function decodeTool(tool: JsonObject, path: string): ToolSpec {
  return {
    name: stringAt(tool.name, `${path}.name`),
    description: stringAt(tool.description ?? "", `${path}.description`),
    parameters: objectAt(tool.input_schema, `${path}.input_schema`) as Json,
    ...(flagAt(tool.strict, `${path}.strict`) && { strict: true }),
  };
}

function knownTool(type: string, { name }: JsonObject): readonly ToolSpec[] {
  const known = CLIENT_TOOLS.find(([pattern]) => pattern.test(type));
  return known === undefined || typeof name !== "string" ? [] : [{ name, ...known[1] }];
}

const text = (description: string): Json => ({ type: "string", description });
const line = (description: string): Json => ({ type: "integer", description });
const commands = (...names: readonly string[]): Json => ({ type: "string", enum: names });
const EDITING: { readonly [name: string]: Json } = {
  path: text("The absolute path."),
  view_range: {
    type: "array",
    items: { type: "integer" },
    description: "For view: the first and the last line; -1 is the end of the file.",
  },
  file_text: text("For create: what the file holds."),
  old_str: text("For str_replace: the text to replace, which the file has to hold just once."),
  new_str: text("For str_replace: what takes its place."),
  insert_line: line("For insert: the line after which to insert; 0 is the beginning."),
  insert_text: text("For insert: the text."),
};

/** By the pages on each tool; the date in a type is its version. */
const CLIENT_TOOLS: readonly (readonly [RegExp, Omit<ToolSpec, "name">])[] = [
  [
    /^bash_\d{8}$/,
    {
      description: "Runs a command in a shell that keeps its state from one call to the next.",
      parameters: {
        type: "object",
        properties: { command: text("The command to run."), restart: { type: "boolean", description: "Begin with a new shell instead." } },
      },
    },
  ],
  [
    /^text_editor_\d{8}$/,
    {
      description: "Views, creates and edits files.",
      parameters: {
        type: "object",
        properties: { command: commands("view", "create", "str_replace", "insert"), ...EDITING },
        required: ["command", "path"],
      },
    },
  ],
  [
    /^memory_\d{8}$/,
    {
      description: "Keeps notes in files under /memories from one conversation to the next. Look there before you begin.",
      parameters: {
        type: "object",
        properties: {
          command: commands("view", "create", "str_replace", "insert", "delete", "rename"),
          ...EDITING,
          old_path: text("For rename: the path."),
          new_path: text("For rename: the new path."),
        },
        required: ["command"],
      },
    },
  ],
];
