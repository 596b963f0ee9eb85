import { z } from "zod";
import { inputMatchSchema } from "./input-match.ts";

/** How long an approval of one call holds, unless it says otherwise, and at most. */
const APPROVAL_MS = 3_600_000;
const APPROVAL_MS_MAX = 30 * 86_400_000;
/** How long a standing grant holds at most: whoever gave it should look again. */
const GRANT_MS_MAX = 366 * 86_400_000;
const GRANT_USES_MAX = 10_000;

/** What an approval that was given before it was needed is good for. One of one call has an `argsHash`, a standing grant has conditions. */
export interface ApprovalTermsGiven {
  readonly tool: string;
  readonly principal?: string | undefined;
  readonly agent?: string | undefined;
  readonly argsHash?: string | undefined;
  readonly where?: z.output<typeof inputMatchSchema> | undefined;
  readonly usesMax?: number | undefined;
  readonly amount?: { readonly path: string; readonly max: number } | undefined;
  readonly expiresAt: string;
}

const name = z.string().min(1).max(200);

/** What somebody says who approves one call before it is made. */
export const approveSchema = z.strictObject({
  tool: name,
  input: z.json().default({}),
  principal: name.optional(),
  expiresInMs: z.int().min(1).max(APPROVAL_MS_MAX).default(APPROVAL_MS),
  reason: z.string().max(2000).default(""),
});

/** What somebody says who gives a standing grant. It is bounded in uses, in time, and, where an input holds an amount, in that. */
export const grantSchema = z.strictObject({
  tool: name,
  principal: name.optional(),
  agent: name.optional(),
  where: inputMatchSchema.default({}),
  usesMax: z.int().min(1).max(GRANT_USES_MAX),
  amount: z.strictObject({ path: name, max: z.number().min(0).max(1e9) }).optional(),
  expiresInMs: z.int().min(1).max(GRANT_MS_MAX),
  reason: z.string().max(2000).default(""),
});

export type ApproveRequest = z.output<typeof approveSchema>;
export type GrantRequest = z.output<typeof grantSchema>;
