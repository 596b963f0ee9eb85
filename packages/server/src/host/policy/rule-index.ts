import type { Action } from "@tutti/core";
import { speaks, type CompiledRule, type Probe, type RuleReading } from "./compile-rule.ts";

/** Fewer rules than this are asked one after the other. */
const LEAF_RULES = 8;
const STRICTNESS = { allow: 0, ask: 1, deny: 2 } as const;

/** Finds the rules that can speak of an action without asking all of them. */
export class RuleIndex {
  readonly #byKind: ReadonlyMap<string, Node>;

  constructor(rules: readonly CompiledRule[]) {
    const kinds = new Set(rules.flatMap((rule) => rule.kinds));
    this.#byKind = new Map(
      [...kinds].map((kind) => [kind, build(rules.filter((rule) => rule.kinds.includes(kind)).toSorted(byStrictness), [])]),
    );
  }

  /** Whether some rule can speak of actions of a kind. */
  has(kind: string): boolean {
    return this.#byKind.has(kind);
  }

  /** The strictest rules that speak: the one that denies whose id comes first, all that ask, or the one that allows. */
  strictest(action: Action, reading: RuleReading = speaks): readonly CompiledRule[] {
    const node = this.#byKind.get(action.kind);
    if (node === undefined) return [];
    const found = new Strictest(reading);
    look(node, action, found);
    return found.rules;
  }
}

/** The strictest first, then by id: so the order in which rules are written does not matter. */
function byStrictness(a: CompiledRule, b: CompiledRule): number {
  return STRICTNESS[b.spec.effect] - STRICTNESS[a.spec.effect] || (a.spec.id < b.spec.id ? -1 : 1);
}

/** Rules that no probe tells apart, and tables of the others. */
interface Node {
  readonly rules: readonly CompiledRule[];
  readonly tables: readonly Table[];
}

interface Table {
  readonly probe: Probe;
  readonly byValue: ReadonlyMap<string, Node>;
  /** Rules that speak when the probe cannot tell. */
  readonly untold: Node;
}

const NOTHING: Node = { rules: [], tables: [] };

function build(rules: readonly CompiledRule[], used: readonly string[]): Node {
  if (rules.length <= LEAF_RULES) return { rules, tables: [] };
  const rest: CompiledRule[] = [];
  const drafts = new Map<string, { readonly probe: Probe; readonly key: string; readonly byValue: Map<string, CompiledRule[]> }>();
  for (const rule of rules) {
    const key = rule.keys.find(({ name }) => !used.includes(name));
    if (key === undefined) rest.push(rule);
    for (const { probe, value } of key?.entries ?? []) {
      const draft = drafts.get(probe.name) ?? { probe, key: key?.name ?? "", byValue: new Map<string, CompiledRule[]>() };
      drafts.set(probe.name, draft);
      const listed = draft.byValue.get(value) ?? [];
      draft.byValue.set(value, listed);
      if (listed.at(-1) !== rule) listed.push(rule);
    }
  }
  const tables = Array.from(drafts.values(), ({ probe, key, byValue }): Table => {
    const deeper = [...used, key];
    const closing = [...new Set([...byValue.values()].flat())].filter(({ spec }) => spec.effect !== "allow").toSorted(byStrictness);
    return {
      probe,
      byValue: new Map(Array.from(byValue, ([value, listed]) => [value, build(listed, deeper)])),
      untold: closing.length === 0 ? NOTHING : build(closing, deeper),
    };
  });
  return { rules: rest, tables };
}

function look(node: Node, action: Action, found: Strictest): void {
  found.ask(node.rules, action);
  for (const { probe, byValue, untold } of node.tables) {
    const values = probe.read(action);
    const nodes = values === undefined ? [untold] : values.map((value) => byValue.get(value) ?? NOTHING);
    for (const next of nodes) look(next, action, found);
  }
}

/** Collects the strictest of the rules that speak. */
class Strictest {
  readonly #reading: RuleReading;
  #rules: CompiledRule[] = [];

  constructor(reading: RuleReading) {
    this.#reading = reading;
  }

  get rules(): readonly CompiledRule[] {
    return this.#rules.length <= 1 ? this.#rules : this.#rules.toSorted(byStrictness);
  }

  /** Asks rules that stand in the order of their strictness, and stops where none can matter any more. */
  ask(rules: readonly CompiledRule[], action: Action): void {
    for (const rule of rules) {
      if (this.#isSettledBefore(rule)) return;
      if (this.#reading(rule, action)) this.#add(rule);
    }
  }

  #isSettledBefore(rule: CompiledRule): boolean {
    const [best] = this.#rules;
    if (best === undefined) return false;
    // All that ask have to be known, because the terms of all of them hold.
    if (rule.spec.effect === "ask" && best.spec.effect === "ask") return false;
    return byStrictness(best, rule) <= 0;
  }

  #add(rule: CompiledRule): void {
    const [best] = this.#rules;
    if (best?.spec.effect === "ask" && rule.spec.effect === "ask") {
      if (!this.#rules.includes(rule)) this.#rules.push(rule);
    } else this.#rules = [rule];
  }
}
