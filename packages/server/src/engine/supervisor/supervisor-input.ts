import { z } from "zod";
import { supervisionSchema } from "./supervision-policy.ts";

/** The name of the workflow that watches over others. */
export const SUPERVISOR = "tutti.supervisor";

/** What to run, and how to restart it. */
export const supervisorSchema = z.object({
  name: z.string().min(1).max(200),
  /** A workflow or an agent. */
  workflow: z.string().min(1).max(200),
  input: z.json().default(null),
  policy: supervisionSchema.prefault({}),
  /** What is known from the run that this one goes on from. */
  carried: z.object({ restarts: z.int(), failuresAtMs: z.array(z.number()) }).exactOptional(),
});

/** Supervised work whose every setting is there. */
export type SupervisorInput = z.output<typeof supervisorSchema>;
