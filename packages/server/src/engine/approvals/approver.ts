import type { ApprovalTerms } from "@tutti/core/policy";
import type { Principal } from "@tutti/core";

/** Who owns a principal's key, if it is one that somebody owns. */
export type OwnerOf = (principal: Principal) => string | undefined;

/** Why somebody may not approve what somebody else asks for; `undefined` when they may. */
export function approverProblem(
  { approvers, isFourEyes }: Pick<ApprovalTerms, "approvers" | "isFourEyes">,
  { approver, requester }: { readonly approver: Principal; readonly requester: Principal },
  ownerOf: OwnerOf = () => undefined,
): string | undefined {
  if (approvers !== undefined && ![approver.id, ...approver.roles].some((name) => approvers.includes(name)))
    return `wanted an answer by ${approvers.join(" or ")}, got one by ${approver.id}`;
  if (isFourEyes !== true) return undefined;
  const asking = peopleBehind(requester, ownerOf);
  if (!peopleBehind(approver, ownerOf).some((id) => asking.includes(id))) return undefined;
  return `wanted an answer by somebody else than who asks (four eyes), got one by ${approver.id}`;
}

function peopleBehind(principal: Principal, ownerOf: OwnerOf): readonly string[] {
  const owner = ownerOf(principal);
  return owner === undefined ? [principal.id] : [principal.id, owner];
}
