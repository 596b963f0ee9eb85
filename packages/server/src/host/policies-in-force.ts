import { createHash } from "node:crypto";
import { canonicalJson, decide, type Action, type Decision, type Policy } from "@tutti/core";
import { basePolicies, SAFE_TOOLS } from "./policies.ts";

/** A policy from files: core's `decide` takes it like any other. */
export interface FiledPolicy {
  readonly hash: string;
  readonly decide: Policy;
  /** Whether it has something to say of actions of a kind, and needs to know what was known then. */
  speaksOf(kind: Action["kind"]): boolean;
  /** The policy at its kindest where an action's input is not known; none when its rules look at no input. */
  readonly kindly: readonly Policy[];
}

/** What is known of a decision before the input is. "depends": some inputs are allowed or asked about, others not. */
export interface Preview extends Pick<Decision, "reason" | "rule"> {
  readonly effect: Decision["effect"] | "depends";
}

/** Looks at decisions beside the policy that counts. */
export interface DecisionWatch extends Pick<FiledPolicy, "speaksOf"> {
  /** The decision again, perhaps with what it would have been. */
  look(action: Action, decision: Decision): Decision;
}

/** The policies in force: what holds by default, what plugins bring, and the one from files. */
export class Policies {
  readonly #toolsAllow: readonly string[];
  readonly #base: readonly Policy[];
  readonly #ofPlugins = new Map<string, readonly Policy[]>();
  #standing: readonly Policy[];
  #filed: FiledPolicy | undefined;
  #watch: DecisionWatch | undefined;
  #all: readonly Policy[];
  #hash: string;

  constructor(toolsAllow: readonly string[], policies: readonly Policy[]) {
    this.#toolsAllow = toolsAllow;
    this.#base = [...basePolicies(toolsAllow), ...policies];
    this.#standing = this.#base;
    this.#all = this.#standing;
    this.#hash = this.hashWith(undefined);
  }

  /** SHA-256 of the policies in force, so that a decision can be held against what decided it. */
  get hash(): string {
    return this.#hash;
  }

  /** Puts a plugin's policies in the place of those it had. Nobody knows what they look at. */
  put(plugin: string, policies: readonly Policy[]): void {
    if (policies.length === 0) this.#ofPlugins.delete(plugin);
    else this.#ofPlugins.set(plugin, policies);
    this.#standing = [...this.#base, ...[...this.#ofPlugins.values()].flat()];
    this.file(this.#filed);
  }

  /** Puts another policy from files in force, or none. */
  file(filed: FiledPolicy | undefined): void {
    this.#filed = filed;
    this.#all = [...this.#standing, ...(filed === undefined ? [] : [filed.decide])];
    this.#hash = this.hashWith(filed);
  }

  /** Sets who looks at decisions. */
  watch(watch: DecisionWatch | undefined): void {
    this.#watch = watch;
  }

  /** Whether what is known besides an action of a kind may matter: always for tools and memory, else where some rule or plugin looks. */
  looksAt(kind: Action["kind"]): boolean {
    const isAlways = kind === "tool.call" || kind === "memory.write" || this.#ofPlugins.size > 0;
    return isAlways || this.#filed?.speaksOf(kind) === true || this.#watch?.speaksOf(kind) === true;
  }

  decide(action: Action): Decision {
    const decision = decide(this.#all, action);
    return this.#watch === undefined ? decision : this.#watch.look(action, decision);
  }

  /** What would be decided now of an action whose input is not known yet. Nobody is told. */
  preview(action: Action): Preview {
    const strict = decide(this.#all, action);
    const kind = (this.#filed?.kindly ?? []).map((policy) => decide([...this.#standing, policy], action));
    const other = kind.find(({ effect }) => effect !== strict.effect);
    if (other === undefined) return strict;
    const { reason, rule } = strict.rule === "default-deny" ? other : strict;
    return { effect: "depends", reason: `depends on the input: ${reason}`, rule };
  }

  /** What would be decided with another policy from files, or with none. Nobody is told. */
  decideWith(filed: Pick<FiledPolicy, "decide"> | undefined, action: Action): Decision {
    return decide(filed === undefined ? this.#standing : [...this.#standing, filed.decide], action);
  }

  /** What each policy that has an opinion says by itself, with another policy from files, or with none. */
  opinions(filed: Pick<FiledPolicy, "decide"> | undefined, action: Action): readonly Decision[] {
    const all = filed === undefined ? this.#standing : [...this.#standing, filed.decide];
    return all.map((policy) => decide([policy], action)).filter(({ rule }) => rule !== "default-deny");
  }

  /** The policy from files that is in force. */
  get filed(): FiledPolicy | undefined {
    return this.#filed;
  }

  /** The hash that there would be with another policy from files. */
  hashWith(filed: Pick<FiledPolicy, "hash"> | undefined): string {
    const text = canonicalJson({
      policies: this.#standing.map(String),
      safeTools: SAFE_TOOLS,
      toolsAllow: this.#toolsAllow,
      filed: filed?.hash,
    });
    return createHash("sha256").update(text).digest("hex");
  }
}
