import { z } from "zod";
import { derivedId } from "../run-id.ts";

/** The name of the workflow whose runs are the dead letters. */
export const DEAD_LETTER = "tutti.dead-letter";

const errorSchema = z.object({ code: z.string(), message: z.string() });

/** What failed for good, and why. With `runId` it can go on from where it failed, with `workflow` it can start anew. */
export const deadLetterSchema = z.object({
  /** Who gives it up: "schedule/nightly", "supervisor/importer", "webhook/…". */
  source: z.string().min(1).max(300),
  runId: z.string().max(200).exactOptional(),
  workflow: z.string().max(200).exactOptional(),
  input: z.json().exactOptional(),
  error: errorSchema,
  /** How often it was tried before it was given up; once unless given. */
  attempts: z.int().min(1).exactOptional(),
});

/** Work that failed for good and waits for somebody to look. */
export type DeadLetter = z.output<typeof deadLetterSchema>;

/** How people answer: go on from the failed step, or start anew with the same input or another one. */
export const retrySchema = z.object({
  from: z.enum(["step", "start"]).exactOptional(),
  input: z.json().exactOptional(),
  by: z.string().max(300).exactOptional(),
});

/** An answer to a dead letter: try again. */
export type Retry = z.output<typeof retrySchema>;

/** An answer to a dead letter: leave it. */
export const dismissSchema = z.object({ reason: z.string().max(2000), by: z.string().max(300).exactOptional() });

/** The id of the letter about a run: one run, one letter. */
export function letterId(runId: string): string {
  return derivedId(`dead-letter/${runId}`);
}
