import { AppError, type Json, type Store } from "@tutti/core";
import { KeptDecisions } from "./kept-decisions.ts";
import { fillTemplate, MATCHED_CHARACTERS_MAX, matches } from "./matcher.ts";
import type { PolicyFile } from "./policy-file.ts";
import type { LoadedPolicy, LoadedRule } from "./read-policy.ts";
import { Semantic, type EmbedTexts } from "./semantic.ts";

/** What a text is for. */
export type RouteTarget = {
  readonly type: "tool" | "agent" | "workflow";
  readonly name: string;
};

/** A rule that could be meant. */
export type RouteCandidate = {
  readonly rule: string;
  readonly target: RouteTarget;
  readonly confidence: number;
  readonly input: Json;
};

/** How a text was routed, and why. `none` in `tier` "human" and "none": nobody but a person can say. */
export type RouteDecision = {
  readonly tier: "rule" | "cache" | "semantic" | "otherwise" | "human" | "none";
  readonly target?: RouteTarget;
  readonly rule?: string;
  readonly input?: Json;
  readonly confidence: number;
  /** How much surer it is than of the next rule that leads elsewhere. */
  readonly gap: number;
  readonly candidates: readonly RouteCandidate[];
  readonly reason: string;
  readonly policyHash: string;
};

/** What a second policy, which does not act, would have done. */
export type ShadowDecision = {
  readonly policyHash: string;
  readonly agrees: boolean;
  readonly tier?: RouteDecision["tier"];
  readonly rule?: string;
  readonly target?: RouteTarget;
  readonly confidence?: number;
  readonly error?: string;
};

/** Who asks: kept decisions are a tenant's own. */
interface Asker {
  readonly tenant: string;
  readonly signal: AbortSignal;
}

const CANDIDATES_MAX = 5;

/** Where policies and decisions are kept. */
interface RouterParts {
  readonly policy: PolicyFile | undefined;
  readonly shadow: PolicyFile | undefined;
  readonly store: Pick<Store, "getSetting" | "setSetting">;
}

/** Routes texts by a policy: rules, then what was decided before, then examples, then people. */
export class Router {
  readonly #files: Pick<RouterParts, "policy" | "shadow">;
  readonly #semantic: Semantic;
  readonly #kept: KeptDecisions;

  constructor({ policy, shadow, store }: RouterParts, embed: EmbedTexts) {
    this.#files = { policy, shadow };
    this.#semantic = new Semantic(embed);
    this.#kept = new KeptDecisions(store);
  }

  get hasPolicy(): boolean {
    return this.#files.policy !== undefined;
  }

  /** The policy in force. Throws `not_found` when none is configured. */
  async policy(): Promise<LoadedPolicy> {
    const policy = await this.#files.policy?.current();
    if (policy !== undefined) return policy;
    throw new AppError(
      "not_found",
      "wanted a router policy, got none; write a router_policy.yaml and name it in `routerPolicyPath` (docs/routing-policy.md)",
    );
  }

  /** The model that the policy has for a message to an agent that names none; `undefined` when it has none. */
  async modelFor(message: string): Promise<{ readonly model: string; readonly reason: string } | undefined> {
    const policy = await this.#files.policy?.current();
    if (policy === undefined || message.length > MATCHED_CHARACTERS_MAX) return undefined;
    const [match] = matches(policy.models, message);
    if (match === undefined) return undefined;
    const { id, model, reason } = match.rule;
    return { model, reason: `rule ${id} of the router policy: ${reason}` };
  }

  /** What is wrong with the file while an earlier state of it holds. */
  get problem(): string | undefined {
    return this.#files.policy?.problem;
  }

  /** Decides, and keeps nothing. Rejects only when the text is too long, the signal aborts or the store fails: another tier that fails says nothing. */
  async route(text: string, policy: LoadedPolicy, asker: Asker): Promise<RouteDecision> {
    const ruled = Array.from(matches(policy.rules, text), ({ rule, value }) => candidateOf(rule, rule.confidence, value)).toSorted(
      (a, b) => b.confidence - a.confidence,
    );
    const [first] = ruled;
    if (first !== undefined && first.confidence >= policy.thresholds.confidence) return decided(policy, { tier: "rule", found: ruled });
    const kept = await this.#recall(text, policy, asker);
    if (kept !== undefined) return kept;
    const { found, problem } = await this.#ask(text, policy, asker);
    const decision = decided(policy, { tier: "semantic", found: [...found, ...ruled].toSorted((a, b) => b.confidence - a.confidence) });
    const isSure = found[0] !== undefined && decision.confidence >= policy.thresholds.confidence && decision.gap >= policy.thresholds.gap;
    return isSure ? decision : undecided(policy, decision, { text, problem });
  }

  /** What the shadow policy would have done; `undefined` when there is none. Never rejects. */
  async shadow(text: string, decision: RouteDecision, asker: Asker): Promise<ShadowDecision | undefined> {
    const policy = await this.#files.shadow?.current();
    if (policy === undefined) return undefined;
    try {
      const shadowed = await this.route(text, policy, asker);
      await this.keep(text, policy, { ...asker, decision: shadowed });
      const { tier, rule, target, confidence } = shadowed;
      const agrees = target?.type === decision.target?.type && target?.name === decision.target?.name;
      return { policyHash: policy.hash, agrees, tier, confidence, ...(rule !== undefined && { rule }), ...(target && { target }) };
    } catch (error) {
      return { policyHash: policy.hash, agrees: false, error: AppError.from(error).message };
    }
  }

  /** Keeps what took examples, so that the same text need not be compared with them again. */
  async keep(
    text: string,
    policy: LoadedPolicy,
    { tenant, decision }: { readonly tenant: string; readonly decision: RouteDecision },
  ): Promise<void> {
    const { tier, rule, confidence, gap } = decision;
    if (tier !== "semantic" || rule === undefined) return;
    await this.#kept.keep({ text, tenant, policy }, { rule, confidence, gap, by: tier });
  }

  /** Remembers which candidate a person chose. */
  async remember(
    text: string,
    policy: LoadedPolicy,
    { tenant, chosen, by }: { readonly tenant: string; readonly chosen: RouteCandidate; readonly by: string },
  ): Promise<void> {
    await this.#kept.keep({ text, tenant, policy }, { rule: chosen.rule, confidence: 1, gap: 1, by });
  }

  async #recall(text: string, policy: LoadedPolicy, { tenant }: Asker): Promise<RouteDecision | undefined> {
    const kept = await this.#kept.recall({ text, tenant, policy });
    const rule = kept === undefined ? undefined : policy.rules.find(({ id }) => id === kept.rule);
    if (kept === undefined || rule === undefined) return undefined;
    const [match] = matches([rule], text);
    const { rule: id, target, input } = candidateOf(rule, kept.confidence, match?.value ?? wholeText(text));
    const { confidence, gap, by } = kept;
    const reason = `the same text was routed so before, by ${by}: ${rule.reason}`;
    return { tier: "cache", rule: id, target, input, confidence, gap, candidates: [], reason, policyHash: policy.hash };
  }

  async #ask(
    text: string,
    policy: LoadedPolicy,
    { signal }: Asker,
  ): Promise<{ readonly found: readonly RouteCandidate[]; readonly problem?: string }> {
    if (text.trim() === "") return { found: [] };
    try {
      const scored = await this.#semantic.score(text, policy, signal);
      return { found: scored.slice(0, CANDIDATES_MAX).map(({ rule, confidence }) => candidateOf(rule, confidence, wholeText(text))) };
    } catch (error) {
      signal.throwIfAborted();
      return { found: [], problem: AppError.from(error).message };
    }
  }
}

/** The target of a rule. */
function targetOf({ tool, agent, workflow }: Pick<LoadedRule, "tool" | "agent" | "workflow">): RouteTarget {
  if (tool !== undefined) return { type: "tool", name: tool };
  return agent === undefined ? { type: "workflow", name: workflow ?? "" } : { type: "agent", name: agent };
}

function candidateOf(rule: LoadedRule, confidence: number, value: (name: string) => string): RouteCandidate {
  const target = targetOf(rule);
  const params = rule.params ?? (target.type === "agent" ? { message: "$text" } : {});
  return { rule: rule.id, target, confidence: rounded(confidence), input: fillTemplate(params, value) };
}

function decided(
  policy: LoadedPolicy,
  { tier, found }: { readonly tier: "rule" | "semantic"; readonly found: readonly RouteCandidate[] },
): RouteDecision {
  const [first] = found;
  const next = found.find(({ target }) => target.type !== first?.target.type || target.name !== first.target.name);
  const base = { candidates: found.slice(0, CANDIDATES_MAX), policyHash: policy.hash };
  if (first === undefined) return { ...base, tier, confidence: 0, gap: 0, reason: "no rule fits" };
  const { rule, target, input, confidence } = first;
  const { reason = "" } = policy.rules.find(({ id }) => id === rule) ?? {};
  return { ...base, tier, rule, target, input, confidence, gap: rounded(confidence - (next?.confidence ?? 0)), reason };
}

/** Nobody was sure: a person is asked, or whoever the policy names takes it, or the answer says so. */
function undecided(
  policy: LoadedPolicy,
  best: RouteDecision,
  { text, problem }: { readonly text: string; readonly problem?: string | undefined },
): RouteDecision {
  const { confidence, gap, candidates } = best;
  const { thresholds } = policy;
  const nearest =
    candidates[0] === undefined
      ? "no rule fits"
      : `the nearest rule is "${candidates[0].rule}" with confidence ${confidence} and gap ${gap}; wanted ${thresholds.confidence} and ${thresholds.gap}`;
  const reason = problem === undefined ? nearest : `${nearest} (examples could not be compared: ${problem})`;
  const base = { confidence, gap, candidates, reason, policyHash: policy.hash };
  if (policy.undecided === "answer") return { ...base, tier: "none" };
  if (policy.undecided === "ask") return { ...base, tier: "human" };
  const target = targetOf(policy.undecided);
  return { ...base, tier: "otherwise", target, input: target.type === "agent" ? { message: text } : { text } };
}

function wholeText(text: string): (name: string) => string {
  return (name) => (name === "text" ? text.trim() : "");
}

function rounded(value: number): number {
  return Math.round(value * 1e4) / 1e4;
}
