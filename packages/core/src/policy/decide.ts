import { AppError } from "../error.ts";
import type { Json } from "../json.ts";
import type { Principal } from "../principal.ts";

/** Something somebody wants to do. `resource` names what it is done to: a workflow, a tool, a model, a plugin, a route. */
export interface Action {
  readonly kind:
    | "run.start"
    | "run.control"
    | "run.approve"
    | "event.publish"
    | "model.generate"
    | "tool.call"
    | "memory.write"
    | "plugin.enable"
    | "admin";
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
  /** Calls so far, by tool. */
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
}

/** Pure. No opinion returns `undefined`. */
export type Policy = (action: Action) => Decision | undefined;

const STRICTNESS = { allow: 0, ask: 1, deny: 2 } as const;

/** The only authorization there is. Pure; never throws. The strictest opinion wins, the first among equals; no opinion means deny. */
export function decide(policies: readonly Policy[], action: Action): Decision {
  let strictest: Decision | undefined;
  for (const policy of policies) {
    const opinion = opinionOf(policy, action);
    if (opinion === undefined) continue;
    if (strictest === undefined || STRICTNESS[opinion.effect] > STRICTNESS[strictest.effect]) strictest = opinion;
  }
  return strictest ?? { effect: "deny", reason: `no policy allows ${action.kind} on "${action.resource}"`, rule: "default-deny" };
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
