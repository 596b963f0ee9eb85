import type { Json, Tool } from "@tutti/core";
import { z } from "zod";

/** What a built-in tool is made of: `parameters` follow from the schema of its input. */
export interface ToolDraft<I extends Json, O extends Json> {
  readonly name: string;
  readonly description: string;
  readonly effect: Tool["effect"];
  readonly input: z.ZodType<I>;
  run(input: I, signal: AbortSignal): O | Promise<O>;
}

/** A tool whose JSON Schema is derived from its zod schema, so that the two cannot disagree. */
export function defineTool<I extends Json, O extends Json>(draft: ToolDraft<I, O>): Tool<I, O> {
  const { name, description, effect, input } = draft;
  const { $schema: _, ...parameters } = z.toJSONSchema(input, { io: "input" });
  return {
    name,
    description,
    effect,
    input,
    // A JSON Schema document is JSON; zod's type for it is wider only because its optional keys may be undefined.
    parameters: parameters as Json,
    run: async (value, call) => draft.run(value, call.signal),
  };
}
