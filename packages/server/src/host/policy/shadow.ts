import type { Action, Decision } from "@tutti/core";
import type { DecisionWatch, Policies } from "../policies-in-force.ts";
import type { ToolPolicy } from "./tool-policy.ts";

/** How often the shadow agreed since it was put beside the policy in force, and where not. */
export interface ShadowCounts {
  readonly since: string;
  readonly decided: number;
  readonly differed: number;
  /** By what was decided and what would have been: "allow → deny". */
  readonly byChange: Readonly<Record<string, number>>;
}

/** A second policy that decides beside the first and does not act. Where they differ, the decision says so, and so the journal does. */
export class Shadow implements DecisionWatch {
  readonly policy: ToolPolicy;
  readonly #policies: Policies;
  readonly #since = new Date().toISOString();
  readonly #byChange = new Map<string, number>();
  #decided = 0;
  #differed = 0;

  constructor(policy: ToolPolicy, policies: Policies) {
    this.policy = policy;
    this.#policies = policies;
  }

  get counts(): ShadowCounts {
    return { since: this.#since, decided: this.#decided, differed: this.#differed, byChange: Object.fromEntries(this.#byChange) };
  }

  speaksOf(kind: Action["kind"]): boolean {
    return this.policy.speaksOf(kind);
  }

  look(action: Action, decision: Decision): Decision {
    const { effect, reason, rule } = this.#policies.decideWith(this.policy, action);
    this.#decided += 1;
    if (effect === decision.effect) return decision;
    this.#differed += 1;
    const change = changeOf(decision.effect, effect);
    this.#byChange.set(change, (this.#byChange.get(change) ?? 0) + 1);
    return { ...decision, shadow: { effect, reason, rule, policyHash: this.policy.hash } };
  }
}

/** Two effects as people read them. */
export function changeOf(from: Decision["effect"], to: Decision["effect"]): string {
  return `${from} → ${to}`;
}
