import { AppError, type ErrorCode, type Event, type Json, type Principal } from "@tutti/core";
import type { ApprovedBy } from "@tutti/core/policy";
import type { ApprovalUse } from "../effects.ts";
import { approverProblem, type OwnerOf } from "./approver.ts";
import { amountAt, matchesInput } from "./input-match.ts";
import type { ApprovalTermsGiven } from "./given-terms.ts";

/** Runs of these names are the logs of approvals that were given before they were needed. */
export const GIVEN_WORKFLOWS = { approval: "tutti.approval", grant: "tutti.grant" } as const;
const GIVEN: ReadonlySet<string> = new Set(Object.values(GIVEN_WORKFLOWS));
/** Sums are kept in millionths, because binary fractions do not add up: 0.1 + 0.2 is more than 0.3. */
const MILLIONTHS = 1e6;

/** An approval that was given before it was needed, as its log tells it. `seq` is the log's newest place. */
export interface GivenApproval {
  readonly id: string;
  readonly terms: ApprovalTermsGiven;
  readonly approvers: readonly Principal[];
  readonly reasons: readonly string[];
  readonly givenAt: string;
  readonly uses: readonly Extract<Event, { readonly type: "approval.used" }>[];
  readonly revoked: { readonly by: string; readonly reason: string; readonly at: string } | undefined;
  readonly seq: number;
}

/** Why an approval cannot be used. */
interface UseRefusal {
  readonly code: ErrorCode;
  readonly message: string;
}

/** Reads an approval's log; `undefined` for the log of anything else. */
export function readGiven(events: readonly Event[]): GivenApproval | undefined {
  const [first, ...others] = events;
  if (first?.type !== "run.recorded" || !isGivenLog(first.workflow) || !first.outcome.ok) return undefined;
  const { terms, reason } = first.outcome.output as unknown as { readonly terms: ApprovalTermsGiven; readonly reason: string };
  const seconds = others.filter((event) => event.type === "approval.seconded");
  const revoked = others.find((event) => event.type === "approval.revoked");
  return {
    id: first.runId,
    terms,
    approvers: [first.action.principal, ...seconds.map(({ principal }) => principal)],
    reasons: [reason, ...seconds.map((event) => event.reason)].filter((one) => one !== ""),
    givenAt: first.at,
    uses: others.filter((event) => event.type === "approval.used"),
    revoked: revoked && { by: revoked.principal.id, reason: revoked.reason, at: revoked.at },
    seq: events.length,
  };
}

/** Whether runs of that name are logs of given approvals. */
export function isGivenLog(workflow: string): boolean {
  return GIVEN.has(workflow);
}

/** How an approval reads where it was used. */
export function approvedBy({ id, approvers, reasons }: GivenApproval, argsHash: string): ApprovedBy {
  return { approvalId: id, by: approvers.map((principal) => principal.id), reason: reasons.join("; "), argsHash };
}

/** The use that a step has made of an approval already. */
export function useBy({ uses }: GivenApproval, { step }: ApprovalUse): boolean {
  return uses.some(({ by }) => by.runId === step.runId && by.key === step.key);
}

/** Where an approval stands. */
export function statusOfGiven(given: GivenApproval, nowMs: number): "open" | "used up" | "expired" | "revoked" {
  if (given.revoked !== undefined) return "revoked";
  if (given.uses.length >= (given.terms.usesMax ?? Infinity)) return "used up";
  return nowMs >= Date.parse(given.terms.expiresAt) ? "expired" : "open";
}

/** The time, and who owns whose key. */
interface Now {
  readonly ms: number;
  readonly ownerOf?: OwnerOf | undefined;
}

/** Why a step may not use an approval now; `undefined` when it may. The first of the reasons in this order is told. Pure. */
export function useRefusal(given: GivenApproval, use: ApprovalUse, now: Now): UseRefusal | undefined {
  const status = statusOfGiven(given, now.ms);
  if (status === "used up")
    return refusal(given, "already_consumed", `wanted an approval that is left, got one that was used ${usedHow(given)}`);
  return bindingRefusal(given, use) ?? timeRefusal(given, status) ?? amountRefusal(given, use) ?? termsRefusal(given, use, now);
}

function refusal({ id }: GivenApproval, code: ErrorCode, message: string): UseRefusal {
  return { code, message: `${message} (approval ${id})` };
}

/** Whether the approval is one of this call: tool, input, and whom it is for. */
function bindingRefusal(given: GivenApproval, use: ApprovalUse): UseRefusal | undefined {
  const { tool, argsHash, where = {}, principal, agent } = given.terms;
  if (tool !== use.tool) return refusal(given, "tool_mismatch", `wanted the tool "${tool}", which was approved, got "${use.tool}"`);
  if (argsHash !== undefined && argsHash !== use.argsHash)
    return refusal(given, "args_hash_mismatch", `wanted the input that was approved (${argsHash}), got another one (${use.argsHash})`);
  if (!matchesInput(where, use.input))
    return refusal(given, "args_hash_mismatch", `wanted an input that the grant allows, got another one`);
  if (principal !== undefined && principal !== use.principal.id)
    return refusal(given, "principal_mismatch", `wanted "${principal}", for whom it was approved, got "${use.principal.id}"`);
  if (agent !== undefined && agent !== use.workflow)
    return refusal(given, "principal_mismatch", `wanted the agent "${agent}", for which it was approved, got "${use.workflow}"`);
  return undefined;
}

function timeRefusal(given: GivenApproval, status: ReturnType<typeof statusOfGiven>): UseRefusal | undefined {
  const { terms, revoked } = given;
  if (status === "revoked")
    return refusal(given, "revoked", `wanted an approval that holds, got one that ${revoked?.by} revoked: ${revoked?.reason}`);
  if (status === "expired")
    return refusal(given, "expired", `wanted an approval that has not expired, got one that did at ${terms.expiresAt}`);
  return undefined;
}

function usedHow({ uses }: GivenApproval): string {
  const last = uses.at(-1);
  return uses.length === 1 && last !== undefined ? `at ${last.at} by run ${last.by.runId}` : `${uses.length} times`;
}

/** What a use takes of the amount that a grant allows. */
export function amountOf({ terms }: GivenApproval, use: ApprovalUse): number | undefined {
  return terms.amount === undefined ? undefined : amountAt(use.input, terms.amount.path);
}

/** What is left of a grant's amount; `undefined` when it has no such bound. */
function amountLeft({ terms, uses }: GivenApproval): number | undefined {
  if (terms.amount === undefined) return undefined;
  const used = uses.reduce((sum, { amount = 0 }) => sum + Math.round(amount * MILLIONTHS), 0);
  return (Math.round(terms.amount.max * MILLIONTHS) - used) / MILLIONTHS;
}

function amountRefusal(given: GivenApproval, use: ApprovalUse): UseRefusal | undefined {
  const { amount } = given.terms;
  if (amount === undefined) return undefined;
  const asked = amountOf(given, use);
  const left = amountLeft(given) ?? 0;
  if (asked !== undefined && asked >= 0 && asked <= left) return undefined;
  const got = asked === undefined ? "none" : String(asked);
  return {
    code: "already_consumed",
    message: `wanted at most ${left} at "${amount.path}", which is left, got ${got} (approval ${given.id})`,
  };
}

/** What the rule that asks wants of an approval, whoever gave it. */
function termsRefusal(given: GivenApproval, { terms, principal }: ApprovalUse, { ms, ownerOf }: Now): UseRefusal | undefined {
  const { expiresInMs = Infinity, approvalsMin = 1 } = terms;
  // A standing grant says itself how long it holds.
  if (given.terms.argsHash !== undefined && ms >= Date.parse(given.givenAt) + expiresInMs)
    return {
      code: "expired",
      message: `wanted an approval of the last ${expiresInMs} ms, got one of ${given.givenAt} (approval ${given.id})`,
    };
  const problems = given.approvers.map((approver) => approverProblem(terms, { approver, requester: principal }, ownerOf));
  const fitting = new Set(given.approvers.filter((_, index) => problems[index] === undefined).map(({ id }) => id));
  if (fitting.size >= approvalsMin) return undefined;
  const problem = problems.find((one) => one !== undefined);
  if (problem !== undefined) return { code: "approver_mismatch", message: `${problem} (approval ${given.id})` };
  return {
    code: "missing_approval",
    message: `wanted approvals by ${approvalsMin} different principals, got ${fitting.size}; another approves with \`tutti approvals second ${given.id}\``,
  };
}

/** What people see of an approval. */
export function shownGiven(given: GivenApproval, nowMs: number): Json {
  const { id, terms, approvers, reasons, givenAt, uses, revoked } = given;
  const left = amountLeft(given);
  return {
    approvalId: id,
    ...(terms as unknown as { readonly [key: string]: Json }),
    status: statusOfGiven(given, nowMs),
    by: approvers.map((principal) => principal.id),
    reason: reasons.join("; "),
    givenAt,
    used: uses.length,
    ...(left !== undefined && { amountLeft: left }),
    uses: uses.map(({ at, by, principal, amount }) => ({ at, ...by, principal: principal.id, ...(amount !== undefined && { amount }) })),
    ...(revoked && { revoked }),
  };
}

/** Throws a refusal. */
export function refuse({ code, message }: UseRefusal): never {
  throw new AppError(code, message);
}
