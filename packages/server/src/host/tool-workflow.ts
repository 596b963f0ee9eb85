import { defineWorkflow, type Json } from "@tutti/core";
import { z } from "zod";

/**
 * One tool call as a run, so that a call from outside is decided, journaled and receipted like any other. Names that start with "tutti." are
 * the host's own: their runs are listed, but nobody starts them by name.
 */
export const toolWorkflow = defineWorkflow<{ tool: string; input: Json }, Json>({
  name: "tutti.tool-call",
  version: "1",
  description: "One tool call",
  input: z.object({ tool: z.string(), input: z.json() }),
  run: (ctx, { tool, input }) => ctx.call(tool, input),
});
