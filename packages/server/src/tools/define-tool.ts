import type { Json, Tool } from "@tutti/core";
import { z } from "zod";

/** What a tool knows of its call. */
export type ToolCall = Parameters<Tool["run"]>[1];

/** What a built-in tool is made of: its JSON Schemas follow from these. */
export interface ToolDraft<I extends Json, O extends Json> {
  readonly name: string;
  readonly description: string;
  readonly effect: Tool["effect"];
  readonly input: z.ZodType<I>;
  readonly output?: z.ZodType<O>;
  readonly examples?: NonNullable<Tool["examples"]>;
  readonly cost?: NonNullable<Tool["cost"]>;
  readonly isIdempotent?: boolean;
  readonly isUntrusted?: boolean;
  run(input: I, call: ToolCall): O | Promise<O>;
}

/** A built-in tool: its input is always parsed by its own schema. */
export type BuiltInTool<I extends Json, O extends Json> = Tool<I, O> & { readonly input: z.ZodType<I> };

/** A tool whose JSON Schemas are derived from its zod schemas, so that the two cannot disagree. */
export function defineTool<I extends Json, O extends Json>(draft: ToolDraft<I, O>): BuiltInTool<I, O> {
  const { output, ...facts } = draft;
  return {
    ...facts,
    parameters: schemaOf(facts.input, "input"),
    ...(output !== undefined && { output: schemaOf(output, "output") }),
    run: async (value, call) => draft.run(value, call),
  };
}

function schemaOf(schema: z.ZodType, io: "input" | "output"): Json {
  const { $schema: _, ...rest } = z.toJSONSchema(schema, { io });
  // A JSON Schema document is JSON; zod's type for it is wider only because its optional keys may be undefined.
  return rest as Json;
}
