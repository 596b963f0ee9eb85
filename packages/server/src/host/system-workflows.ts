import { AppError, defineWorkflow, type Json, type Workflow } from "@tutti/core";
import { z } from "zod";

// Names that start with "tutti." are the host's own: their runs are listed and receipted like any other, but nobody starts them by name.

/**
 * The name under which proxied model calls are journaled. Their one step belongs to a client's connection, so a call that a crash cut off
 * cannot go on: when such a run is taken up again it ends as failed, and says so.
 */
export const passThroughWorkflow: Workflow = {
  name: "tutti.chat-completions",
  version: "1",
  description: "A model call whose bytes pass through",
  input: z.json(),
  run: () => Promise.reject(new AppError("cancelled", "Tutti stopped before the answer was whole; the client has to ask again")),
};

/** The name under which acts of administration are journaled. One that a crash cut off is not repeated by itself. */
export const adminWorkflow: Workflow = {
  name: "tutti.admin",
  version: "1",
  description: "An act of administration",
  input: z.json(),
  run: () => Promise.reject(new AppError("cancelled", "Tutti stopped before this was done; do it again")),
};

/** One tool call as a run, so that a call from outside is decided, journaled and receipted like any other. */
export const toolWorkflow = defineWorkflow<{ tool: string; input: Json }, Json>({
  name: "tutti.tool-call",
  version: "1",
  description: "One tool call",
  input: z.object({ tool: z.string(), input: z.json() }),
  run: (ctx, { tool, input }) => ctx.call(tool, input),
});
