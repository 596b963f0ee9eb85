import type { Json } from "@tutti/core";
import type { Message, ModelRequest, ToolSpec } from "@tutti/core/model";

/** What is changed in a request for models that want it otherwise. */
export interface Adaptation {
  /** Put before and after the system prompt. */
  readonly systemBefore?: string;
  readonly systemAfter?: string;
  /** "user": system turns are said by the user, for models whose templates know no system turn. */
  readonly systemAs?: "system" | "user";
  /** "plain": tool schemas without what small models and strict parsers stumble over; `$ref`s are put in place. */
  readonly toolSchemas?: "full" | "plain";
}

/** Schemas that are larger once their `$ref`s are put in place end in ones that take anything. */
const SCHEMA_NODES_MAX = 5_000;
/** Keywords that describe or restrict, and that a call can be right without. */
const DROPPED: ReadonlySet<string> = new Set([
  "$schema",
  "$id",
  "$comment",
  "$defs",
  "definitions",
  "title",
  "default",
  "examples",
  "format",
  "pattern",
  "additionalProperties",
  "unevaluatedProperties",
  "patternProperties",
  "propertyNames",
  "minLength",
  "maxLength",
  "minItems",
  "maxItems",
  "uniqueItems",
  "exclusiveMinimum",
  "exclusiveMaximum",
  "multipleOf",
]);

/** The request as a model with these wishes wants it; itself when nothing changes. */
export function adaptRequest(request: ModelRequest, adaptation: Adaptation): ModelRequest {
  const messages = adaptMessages(request.messages, adaptation);
  const tools = adaptation.toolSchemas === "plain" ? request.tools?.map(plainTool) : request.tools;
  return { ...request, messages, ...(tools !== undefined && { tools }) };
}

function adaptMessages(messages: readonly Message[], adaptation: Adaptation): readonly Message[] {
  const framed = frame(messages, adaptation);
  return adaptation.systemAs === "user" ? asUser(framed) : framed;
}

function frame(messages: readonly Message[], { systemBefore = "", systemAfter = "" }: Adaptation): readonly Message[] {
  if (systemBefore === "" && systemAfter === "") return messages;
  const first = messages.findIndex(({ role }) => role === "system");
  const found = messages[first];
  if (found === undefined) return [{ role: "system", content: joined(systemBefore, systemAfter) }, ...messages];
  const framed = withText(found, joined(systemBefore, found.content, systemAfter), { before: systemBefore, after: systemAfter });
  return messages.with(first, framed);
}

/** Where a turn has parts, they are all of it: the frame goes among them too. */
function withText(message: Message, content: string, { before, after }: { readonly before: string; readonly after: string }): Message {
  if (message.parts === undefined) return { ...message, content };
  const piece = (text: string) => (text === "" ? [] : [{ type: "text", text } as const]);
  return { ...message, content, parts: [...piece(before), ...message.parts, ...piece(after)] };
}

function joined(...texts: readonly string[]): string {
  return texts.filter((text) => text !== "").join("\n\n");
}

/** Templates that know no system turn mostly want user and assistant to alternate, so that it is said with the user's next turn. */
function asUser(messages: readonly Message[]): readonly Message[] {
  const adapted: Message[] = [];
  let said = "";
  for (const message of messages) {
    if (message.role === "system") said = joined(said, message.content);
    else if (said !== "" && message.role === "user") {
      adapted.push(withText(message, joined(said, message.content), { before: said, after: "" }));
      said = "";
    } else adapted.push(message);
  }
  return said === "" ? adapted : [...adapted, { role: "user", content: said }];
}

function plainTool(tool: ToolSpec): ToolSpec {
  const { strict: _, ...rest } = tool;
  return { ...rest, parameters: plainSchema(tool.parameters, { root: tool.parameters, count: { nodes: 0 }, within: [] }) };
}

interface Reading {
  readonly root: Json;
  readonly count: { nodes: number };
  /** The `$ref`s that led here. */
  readonly within: readonly string[];
}

function plainSchema(schema: Json, reading: Reading): Json {
  if (typeof schema !== "object" || schema === null) return schema;
  reading.count.nodes += 1;
  if (reading.count.nodes > SCHEMA_NODES_MAX) return {};
  if (isList(schema)) return schema.map((item) => plainSchema(item, reading));
  const ref = schema["$ref"];
  if (typeof ref === "string") {
    // A schema that holds itself has no end; at its second turn it takes anything.
    if (reading.within.includes(ref)) return {};
    return plainSchema(resolveRef(reading.root, ref), { ...reading, within: [...reading.within, ref] });
  }
  const kept = Object.entries(schema).filter(([key]) => !DROPPED.has(key));
  return Object.fromEntries(kept.map(([key, value]) => [key, plainPart(key, value, reading)]));
}

function plainPart(key: string, value: Json, reading: Reading): Json {
  // These hold values, not schemas.
  if (key === "enum" || key === "const" || key === "required") return value;
  if (key !== "properties" || typeof value !== "object" || value === null || isList(value)) return plainSchema(value, reading);
  // Here the keys are names of properties, which may be called like a keyword.
  return Object.fromEntries(Object.entries(value).map(([name, schema]) => [name, plainSchema(schema, reading)]));
}

/** A JSON pointer within the same schema (RFC 6901); anything else takes anything. */
function resolveRef(root: Json, ref: string): Json {
  if (!ref.startsWith("#/")) return ref === "#" ? root : {};
  let found: Json | undefined = root;
  for (const part of ref.slice(2).split("/")) {
    const key = part.replaceAll("~1", "/").replaceAll("~0", "~");
    if (typeof found !== "object" || found === null || !Object.hasOwn(found, key)) return {};
    found = (found as { readonly [key: string]: Json })[key];
  }
  return found ?? {};
}

function isList(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}
