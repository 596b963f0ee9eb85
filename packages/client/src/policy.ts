import type { Action, Decision, Json } from "@tutti/core";
import type { Transport } from "./transport.ts";

/** A file of a policy. `name` is what places in problems begin with. */
export interface PolicyFile {
  readonly name: string;
  readonly text: string;
}

/** Something wrong in a policy, and where. */
export interface PolicyFault {
  readonly name: string;
  readonly line: number;
  readonly column: number;
  readonly message: string;
  readonly snippet: readonly [line: string, mark: string];
}

/** Whether a policy is right. */
export interface PolicyCheckReply {
  readonly ok: boolean;
  readonly rules?: number;
  readonly hash?: string;
  readonly problems: readonly PolicyFault[];
  readonly warnings: readonly PolicyFault[];
}

/** How the policy in force stands, or the shadow. */
interface PolicyStanding {
  readonly status: "none" | "in-force" | "broken";
  readonly path: string | null;
  readonly since?: string;
  readonly hash?: string | null;
  readonly problems?: readonly PolicyFault[];
  readonly warnings?: readonly PolicyFault[];
}

/** A policy that decides beside the one in force without acting, and how often it agreed since it stands there. */
export interface ShadowStanding extends PolicyStanding {
  readonly counts: {
    readonly since: string;
    readonly decided: number;
    readonly differed: number;
    readonly byChange: Readonly<Record<string, number>>;
  } | null;
}

/** The policy of a server. */
export interface PolicyStatus extends PolicyStanding {
  readonly policyHash: string;
  readonly ruleCount: number;
  readonly shadow: ShadowStanding | null;
}

/** A rule in force, as its file has it, and where it stands there. */
export interface PolicyRuleEntry extends RuleEntry {
  readonly name: string;
  readonly line: number;
  readonly match: Json;
  readonly when?: Json;
  readonly approval?: Json;
}

/** What one rule says, and why. */
export interface RuleSayingEntry {
  readonly id: string;
  readonly effect: Decision["effect"];
  readonly reason: string;
  readonly speaks: boolean;
  readonly holds: "yes" | "no" | "unknown";
  readonly conditions: readonly { readonly wants: string; readonly got: string; readonly holds: "yes" | "no" | "unknown" }[];
}

/** Why something was or would be decided. */
export interface PolicyExplanation {
  readonly action: Action;
  readonly decision: Decision;
  readonly policyHash: string;
  /** What each policy that has an opinion says, Tutti's own rules and plugins included. */
  readonly opinions: readonly Decision[];
  readonly rules: { readonly speaking: readonly RuleSayingEntry[]; readonly near: readonly RuleSayingEntry[]; readonly silent: number };
  readonly recorded?: {
    readonly decision: Decision;
    readonly policyHash: string;
    readonly at: string;
    readonly runId: string;
    readonly key: string;
  };
}

/** What is to be explained: an action, or what was decided of a run's step; by the policy in force, or by another. */
export interface ExplainRequest {
  readonly action?: {
    readonly kind: Action["kind"];
    readonly resource: string;
    readonly input?: Json;
    readonly principal?: Action["principal"];
    readonly facts?: Json;
  };
  readonly run?: { readonly runId: string; readonly key?: string };
  readonly files?: readonly PolicyFile[];
}

/** A recorded decision that another policy would have made otherwise. */
export interface DecisionChangeEntry {
  readonly runId: string;
  readonly key: string;
  readonly at: string;
  readonly kind: Action["kind"];
  readonly resource: string;
  readonly principal: string;
  readonly from: Pick<Decision, "effect" | "rule" | "reason">;
  readonly to: Pick<Decision, "effect" | "rule" | "reason">;
}

/** A rule as it is written. */
interface RuleEntry {
  readonly id: string;
  readonly effect: Decision["effect"];
  readonly reason: string;
}

/** What became of a part of the log. */
export interface PolicyReplayReply {
  readonly since: string;
  readonly decided: number;
  readonly changed: number;
  readonly withoutFacts: number;
  readonly byChange: Readonly<Record<string, number>>;
  readonly byRule: Readonly<Record<string, number>>;
  readonly changes: readonly DecisionChangeEntry[];
  /** Where to go on; `null` at the end of the log. */
  readonly nextPosition: number | null;
  /** With `against`: what differs between the rules of the two. */
  readonly rules?: {
    readonly added: readonly RuleEntry[];
    readonly removed: readonly RuleEntry[];
    readonly changed: readonly { readonly from: RuleEntry; readonly to: RuleEntry; readonly keys: readonly string[] }[];
    readonly same: number;
  };
}

/** A policy to hold against the log; without `files` the one in force, without `against` what was recorded. */
export interface PolicyReplayRequest {
  readonly files?: readonly PolicyFile[];
  readonly against?: readonly PolicyFile[];
  readonly since?: string;
  readonly afterPosition?: number;
}

/** The calls about the tool policy. */
export interface PolicyCalls {
  policy(signal?: AbortSignal): Promise<PolicyStatus>;
  /** The rules in force, in the order of the file; none where there is no file. */
  policyRules(signal?: AbortSignal): Promise<readonly PolicyRuleEntry[]>;
  reloadPolicy(signal?: AbortSignal): Promise<PolicyStatus>;
  checkPolicy(files: readonly PolicyFile[], signal?: AbortSignal): Promise<PolicyCheckReply>;
  explainPolicy(request: ExplainRequest, signal?: AbortSignal): Promise<PolicyExplanation>;
  replayPolicy(request: PolicyReplayRequest, signal?: AbortSignal): Promise<PolicyReplayReply>;
  shadowPolicy(
    range: { readonly since?: string; readonly afterPosition?: number },
    signal?: AbortSignal,
  ): Promise<PolicyReplayReply & { readonly shadow: ShadowStanding | null }>;
}

/** The calls over a transport. */
export function policyCalls(transport: Transport): PolicyCalls {
  const post = <T>(path: string, body: object | undefined, signal?: AbortSignal): Promise<T> =>
    transport.json({ method: "POST", path: `/v1/policy/${path}`, timeoutMs: REPLAY_TIMEOUT_MS, ...(body && { body }) }, signal);
  return {
    policy: (signal) => transport.json({ path: "/v1/policy" }, signal),
    policyRules: async (signal) =>
      (await transport.json<{ readonly rules: readonly PolicyRuleEntry[] }>({ path: "/v1/policy", query: { rules: true } }, signal)).rules,
    reloadPolicy: (signal) => post("reload", undefined, signal),
    checkPolicy: (files, signal) => post("check", { files }, signal),
    explainPolicy: (request, signal) => post("explain", request, signal),
    replayPolicy: (request, signal) => post("replay", request, signal),
    shadowPolicy: (range, signal) =>
      transport.json({ path: "/v1/policy/shadow", query: { ...range }, timeoutMs: REPLAY_TIMEOUT_MS }, signal),
  };
}

/** A page of the log takes a while to decide again. */
const REPLAY_TIMEOUT_MS = 120_000;
