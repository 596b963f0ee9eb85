import { defineWorkflow, type Json } from "@tutti/core";
import { z } from "zod";

interface ToolCallInput {
  readonly [key: string]: Json;
  readonly tool: string;
  readonly input: Json;
  /** Whatever the caller's calls have in common: what one of them read from outside counts for those after it. */
  readonly conversation?: string;
  /** As in the options of `ctx.call`. */
  readonly approval?: "wait" | "refuse" | { readonly id: string };
}

/** How long the name of a conversation may be. */
export const CONVERSATION_CHARACTERS_MAX = 300;

/**
 * One tool call as a run, so that a call from outside is decided, journaled and receipted like any other. Names that start with "tutti." are
 * the host's own: their runs are listed, but nobody starts them by name.
 */
export const toolWorkflow = defineWorkflow<ToolCallInput, Json>({
  name: "tutti.tool-call",
  version: "1",
  description: "One tool call",
  input: z.object({
    tool: z.string(),
    input: z.json(),
    conversation: z.string().min(1).max(CONVERSATION_CHARACTERS_MAX).exactOptional(),
    approval: z.union([z.enum(["wait", "refuse"]), z.object({ id: z.string() })]).exactOptional(),
  }),
  run: (ctx, { tool, input, approval = "wait" }) => ctx.call(tool, input, { approval }),
});
