import { AppError } from "../error.ts";
import type { Json } from "../json.ts";
import type { Principal } from "../principal.ts";

/** All that can be decided of. */
export const ACTION_KINDS = [
  "run.start",
  "run.control",
  "run.approve",
  "event.publish",
  "model.generate",
  "tool.call",
  "memory.write",
  "plugin.enable",
  "admin",
] as const;

/** Something somebody wants to do. `resource` names what it is done to: a workflow, a tool, a model, a plugin, a route. */
export interface Action {
  readonly kind: (typeof ACTION_KINDS)[number];
  readonly principal: Principal;
  readonly resource: string;
  readonly input?: Json;
  readonly facts?: ActionFacts;
}

/** What was known when an action was decided. It is journaled with the decision, so that another policy can be held against it later. */
export interface ActionFacts {
  /** UTC, ISO 8601. */
  readonly at: string;
  /** The tool's own word on what it does, and who brought it: "built-in", "plugin:NAME", "mcp:NAME", "openapi:NAME", "workflow:NAME". */
  readonly tool?: { readonly effect: "read" | "write" | "execute"; readonly source: string };
  readonly run?: RunFacts;
}

/** The part of a run's history that rules may look at. */
export interface RunFacts {
  readonly runId: string;
  readonly workflow: string;
  /** Calls so far, by tool: of the run, of those above it as it began, and of its children that have ended. */
  readonly calls: Readonly<Record<string, number>>;
  /** Tools whose untrusted output this run has read, in the order of first reading. */
  readonly tainted: readonly string[];
  readonly tokens: number;
  readonly costUsd: number;
}

/** What a policy says of an action. `rule` names the rule that spoke, `reason` is for people. */
export interface Decision {
  readonly effect: "allow" | "ask" | "deny";
  readonly reason: string;
  readonly rule: string;
  /** Of `ask`: who has to approve, and how long that holds. Left out, anybody whom policy lets (`run.approve`), until the run ends. */
  readonly approval?: ApprovalTerms;
  /** What a second policy, which does not act, would have decided; only where it differs. */
  readonly shadow?: ShadowOpinion;
}

/** What a policy that does not act would have decided. */
export interface ShadowOpinion {
  readonly effect: Decision["effect"];
  readonly reason: string;
  readonly rule: string;
  readonly policyHash: string;
}

/** What an approval has to be like to count. */
export interface ApprovalTerms {
  /** Roles or principal ids that may approve. */
  readonly approvers?: readonly string[];
  /** How long a run waits for the answer, and how old an approval that was given before may be. */
  readonly expiresInMs?: number;
  /** Neither who asks nor who owns their key may approve. */
  readonly isFourEyes?: boolean;
  /** How many different principals have to approve; 1 unless given. */
  readonly approvalsMin?: number;
}

/** Pure. No opinion returns `undefined`. */
export type Policy = (action: Action) => Decision | undefined;

const STRICTNESS = { allow: 0, ask: 1, deny: 2 } as const;

/**
 * The only authorization there is. Pure; never throws. The strictest opinion wins, the first among equals; no opinion means deny. When
 * several ask, the terms of all of them hold, so that one more rule never makes an approval easier.
 */
export function decide(policies: readonly Policy[], action: Action): Decision {
  let strictest: Decision | undefined;
  for (const policy of policies) {
    const opinion = opinionOf(policy, action);
    if (opinion === undefined) continue;
    if (strictest === undefined || STRICTNESS[opinion.effect] > STRICTNESS[strictest.effect]) strictest = opinion;
    else if (strictest.effect === "ask" && opinion.effect === "ask") strictest = withTermsOf(strictest, opinion);
  }
  if (strictest?.effect === "ask" && strictest.approval?.approvers?.length === 0)
    return { effect: "deny", reason: "the rules that ask name nobody who may approve for all of them", rule: strictest.rule };
  const advice = action.kind === "tool.call" ? "; name the tool in `toolsAllow`, or allow it with a policy" : "";
  return strictest ?? { effect: "deny", reason: `no policy allows ${action.kind} on "${action.resource}"${advice}`, rule: "default-deny" };
}

/** The terms of two opinions that ask: whoever approves fits both, and the tighter bound holds. */
function withTermsOf(first: Decision, { approval: more }: Decision): Decision {
  const { approval } = first;
  if (approval === undefined || more === undefined) return more === undefined ? first : { ...first, approval: more };
  const approvers = approversOfBoth(approval.approvers, more.approvers);
  const expiresInMs = Math.min(approval.expiresInMs ?? Infinity, more.expiresInMs ?? Infinity);
  const terms: ApprovalTerms = {
    ...(approvers && { approvers }),
    ...(Number.isFinite(expiresInMs) && { expiresInMs }),
    ...((approval.isFourEyes === true || more.isFourEyes === true) && { isFourEyes: true }),
    ...((approval.approvalsMin ?? more.approvalsMin) !== undefined && {
      approvalsMin: Math.max(approval.approvalsMin ?? 1, more.approvalsMin ?? 1),
    }),
  };
  return { ...first, approval: terms };
}

function approversOfBoth(some: ApprovalTerms["approvers"], others: ApprovalTerms["approvers"]): ApprovalTerms["approvers"] {
  if (some === undefined || others === undefined) return some ?? others;
  return some.filter((name) => others.includes(name));
}

function opinionOf(policy: Policy, action: Action): Decision | undefined {
  try {
    return policy(action);
  } catch (error) {
    // A broken policy must not open a door.
    return { effect: "deny", reason: `a policy failed: ${String(error)}`, rule: "policy-error" };
  }
}

/** Throws `denied` unless the decision is allow: for what cannot wait, so `ask` refuses too. Steps of a run wait for an answer instead. */
export function enforce(action: Action, decision: Decision): void {
  if (decision.effect === "allow") return;
  const why = decision.effect === "ask" ? `missing_approval: ${decision.reason}` : decision.reason;
  throw new AppError("denied", `${action.kind} on "${action.resource}" was refused by rule ${decision.rule}: ${why}`);
}
