import type { Json } from "@tutti/core";
import type { ToolSpec } from "@tutti/core/model";
import { countText, type TokenCount } from "./count-tokens.ts";
import type { Family } from "./families.ts";

/** OpenAI's figures for its models since gpt-4o (OpenAI cookbook, "How to count tokens", tool calls). */
const PER_TOOL = 7;
const PER_PROPERTIES = 3;
const PER_PROPERTY = 3;
const PER_ENUM = -3;
const PER_ENUM_VALUE = 3;
const AFTER_TOOLS = 12;
/** The cookbook says nothing of objects in objects; deeper ones count as their JSON does. */
const DEPTH_MAX = 8;
/** OpenAI writes tools in a form of its own that it does not publish, so that the formula is off by a little. */
const FORMULA_BOUND = 0.1;
/** Others put a tool's JSON into the prompt, with words around it that differ from model to model. */
const PER_TOOL_ELSEWHERE = 10;
const ELSEWHERE_BOUND = 0.3;

/** What the tools of a request count for. */
export function countTools(family: Family, tools: readonly ToolSpec[]): TokenCount {
  if (tools.length === 0) return { tokens: 0, errorBound: 0 };
  const count = (text: string): number => countText(family, text).tokens;
  if (family.scale === undefined && family.encoding !== undefined) {
    return { tokens: tools.reduce((sum, tool) => sum + toolTokens(tool, count), AFTER_TOOLS), errorBound: FORMULA_BOUND };
  }
  const tokens = tools.reduce((sum, tool) => sum + count(JSON.stringify(tool)) + PER_TOOL_ELSEWHERE, family.toolsBase);
  return { tokens, errorBound: ELSEWHERE_BOUND };
}

type Count = (text: string) => number;
type JsonObject = { readonly [key: string]: Json };

function toolTokens({ name, description, parameters }: ToolSpec, count: Count): number {
  return PER_TOOL + count(`${name}:${description.replace(/\.$/, "")}`) + propertiesTokens(parameters, count, DEPTH_MAX);
}

function propertiesTokens(schema: Json | undefined, count: Count, depth: number): number {
  const properties = objectOf(objectOf(schema)["properties"]);
  const names = Object.keys(properties);
  if (names.length === 0) return 0;
  if (depth === 0) return count(JSON.stringify(schema));
  let tokens = PER_PROPERTIES;
  for (const name of names) {
    const property = objectOf(properties[name]);
    tokens += PER_PROPERTY + propertyTokens(name, property, count);
    tokens += propertiesTokens(property, count, depth - 1) + propertiesTokens(property["items"], count, depth - 1);
  }
  return tokens;
}

function propertyTokens(name: string, { type, description, enum: values }: JsonObject, count: Count): number {
  const kind = typeof type === "string" ? type : JSON.stringify(type ?? "any");
  const words = typeof description === "string" ? description.replace(/\.$/, "") : "";
  const choices: readonly Json[] = Array.isArray(values) ? values : [];
  const perEnum = choices.length === 0 ? 0 : PER_ENUM;
  return (
    choices.reduce<number>(
      (sum, value) => sum + PER_ENUM_VALUE + count(typeof value === "string" ? value : JSON.stringify(value)),
      perEnum,
    ) + count(`${name}:${kind}:${words}`)
  );
}

/** An object as it is, anything else as an empty one. */
function objectOf(value: Json | undefined): JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as JsonObject) : {};
}
