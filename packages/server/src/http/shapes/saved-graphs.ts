import { z } from "zod";
import { GraphShape } from "./graphs.ts";
import { json } from "./values.ts";

/** A version of a saved graph. */
export const GraphVersion = z.object({
  name: z.string(),
  version: z.int().min(1),
  hash: z.string().describe("SHA-256 of the graph's canonical JSON."),
  savedAt: z.string(),
  by: z.string(),
  message: z.string(),
});

/** The same with the graph. */
export const SavedGraphShape = GraphVersion.extend({ graph: GraphShape, text: z.string().exactOptional() });

/** What was saved; `isNew` is false when the newest version was the same already. */
export const GraphSaved = z.object({ saved: SavedGraphShape, isNew: z.boolean() });

const ids = z.array(z.string());

/** What two versions differ in. */
export const GraphDifference = z.object({
  from: z.int(),
  to: z.int(),
  added: ids,
  removed: ids,
  replaced: ids,
  connected: ids,
  disconnected: ids,
  fields: ids,
  nodes: z.record(z.string(), z.object({ before: json, after: json })),
});
