import { z } from "zod";
import { json } from "./values.ts";

const Call = z.object({ tool: z.string(), argsHash: z.string(), principalId: z.string(), rule: z.string() });

/** Something that a run asks of people. */
export const Approval = z
  .object({
    runId: z.string(),
    key: z.string(),
    question: z.string(),
    detail: json.exactOptional(),
    call: Call.exactOptional(),
    approvers: z.array(z.string()).exactOptional(),
    isFourEyes: z.boolean().exactOptional(),
    approvalsMin: z.int().exactOptional(),
    otherwise: z.enum(["approve", "refuse"]).exactOptional(),
    since: z.string(),
    until: z.string().nullable(),
  })
  .meta({
    id: "Approval",
    description: "Something that a run asks of people. When it asks about the call of a tool, `detail` is the input.",
  });

/** One call that was approved before it was made. */
export const ApprovedCall = z.object({ approvalId: z.string(), argsHash: z.string(), expiresAt: z.string() });

const Condition = z.union([
  z.object({ equals: json }),
  z.object({ oneOf: z.array(json) }),
  z.object({ pattern: z.string() }),
  z.object({ min: z.number().exactOptional(), max: z.number() }),
]);
const Use = z.object({
  at: z.string(),
  runId: z.string(),
  key: z.string(),
  principal: z.string(),
  amount: z.number().exactOptional(),
});

/** An approval that was given before it was needed. */
export const Grant = z
  .object({
    approvalId: z.string(),
    tool: z.string(),
    status: z.enum(["open", "used up", "expired", "revoked"]),
    argsHash: z.string().exactOptional(),
    principal: z.string().exactOptional(),
    agent: z.string().exactOptional(),
    where: z.record(z.string(), Condition).exactOptional(),
    usesMax: z.int(),
    used: z.int(),
    amount: z.object({ path: z.string(), max: z.number() }).exactOptional(),
    amountLeft: z.number().exactOptional(),
    by: z.array(z.string()),
    reason: z.string(),
    givenAt: z.string(),
    expiresAt: z.string(),
    uses: z.array(Use),
    revoked: z.object({ by: z.string(), reason: z.string(), at: z.string() }).exactOptional(),
  })
  .meta({ id: "Grant", description: "An approval that was given before it was needed, what it is good for, and what became of it." });

/** One of them. */
export const OneGrant = z.object({ grant: Grant });
