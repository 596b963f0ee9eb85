import type { Action, Decision, Store } from "@tutti/core";
import type { Policies } from "../policies-in-force.ts";
import { logAfter, positionBefore, wholeAction, type LogEntry, type RecordedDecision } from "./recorded-decisions.ts";
import { changeOf } from "./shadow.ts";
import type { ToolPolicy } from "./tool-policy.ts";

/** Events looked at in one go; whoever wants more asks again from `nextPosition`. */
const EVENTS_MAX = 20_000;
/** Changes told in one go; all are counted. */
const CHANGES_MAX = 200;

/** A recorded call that another policy would have decided otherwise. */
interface DecisionChange extends Pick<RecordedDecision, "runId" | "key" | "at"> {
  readonly kind: Action["kind"];
  readonly resource: string;
  readonly principal: string;
  readonly from: Pick<Decision, "effect" | "rule" | "reason">;
  readonly to: Pick<Decision, "effect" | "rule" | "reason">;
}

/** What became of a part of the log. */
export interface ReplayPage {
  /** Decisions that were looked at. */
  readonly decided: number;
  readonly changed: number;
  /** Decisions recorded without what was known then, as before Tutti kept it: of those only the action itself is sure. */
  readonly withoutFacts: number;
  readonly byChange: Readonly<Record<string, number>>;
  readonly byRule: Readonly<Record<string, number>>;
  readonly changes: readonly DecisionChange[];
  /** Where to go on; `null` when the log was read to its end. */
  readonly nextPosition: number | null;
}

/** Which part of the log to look at: from a moment on, or from where the last page ended. */
export interface ReplayRange {
  readonly since: string;
  readonly afterPosition?: number | undefined;
}

/** Decides what was recorded again; `before` and `after` say what to compare. Reads only; bounded in events and in what it tells. */
export async function replayDecisions(
  store: Store,
  range: ReplayRange,
  compare: (recorded: RecordedDecision) => Promise<{ readonly from: Decision; readonly to: Decision } | undefined>,
): Promise<ReplayPage> {
  const sinceMs = Date.parse(range.since);
  const tally = new Tally();
  let looked = 0;
  let last: LogEntry | undefined;
  for await (const entry of logAfter(store, range.afterPosition ?? (await positionBefore(store, sinceMs)))) {
    last = entry;
    looked += 1;
    const { recorded } = entry;
    if (recorded !== undefined && Date.parse(entry.at) >= sinceMs) tally.add(recorded, await compare(recorded));
    if (looked === EVENTS_MAX) break;
  }
  return { ...tally.page, nextPosition: looked === EVENTS_MAX && last !== undefined ? last.position : null };
}

/** What another policy from files would have decided; compared with what was recorded, or with what a third would have. */
export function replayWith(
  { store, policies }: { readonly store: Store; readonly policies: Policies },
  policy: ToolPolicy | undefined,
  against?: ToolPolicy,
): Parameters<typeof replayDecisions>[2] {
  return async (recorded) => {
    const { decision, at } = recorded;
    const action = await wholeAction(store, recorded.action);
    const known = action.facts === undefined ? { ...action, facts: { at } } : action;
    return { from: against === undefined ? decision : policies.decideWith(against, known), to: policies.decideWith(policy, known) };
  };
}

/** Where the shadow differed when it was recorded. */
export function shadowDifferences(recorded: RecordedDecision): Promise<{ readonly from: Decision; readonly to: Decision } | undefined> {
  const { shadow } = recorded.decision;
  return Promise.resolve(shadow === undefined ? undefined : { from: recorded.decision, to: shadow });
}

class Tally {
  #decided = 0;
  #changed = 0;
  #withoutFacts = 0;
  readonly #byChange = new Map<string, number>();
  readonly #byRule = new Map<string, number>();
  readonly #changes: DecisionChange[] = [];

  get page(): Omit<ReplayPage, "nextPosition"> {
    return {
      decided: this.#decided,
      changed: this.#changed,
      withoutFacts: this.#withoutFacts,
      byChange: Object.fromEntries(this.#byChange),
      byRule: Object.fromEntries(this.#byRule),
      changes: this.#changes,
    };
  }

  add(recorded: RecordedDecision, compared: { readonly from: Decision; readonly to: Decision } | undefined): void {
    this.#decided += 1;
    const { runId, key, at, action } = recorded;
    if (action.kind === "tool.call" && action.facts === undefined) this.#withoutFacts += 1;
    if (compared === undefined || compared.from.effect === compared.to.effect) return;
    const { from, to } = compared;
    this.#changed += 1;
    increase(this.#byChange, changeOf(from.effect, to.effect));
    increase(this.#byRule, to.rule);
    const { kind, resource, principal } = action;
    if (this.#changes.length < CHANGES_MAX)
      this.#changes.push({ runId, key, at, kind, resource, principal: principal.id, from: shortOf(from), to: shortOf(to) });
  }
}

function increase(counts: Map<string, number>, name: string): void {
  counts.set(name, (counts.get(name) ?? 0) + 1);
}

function shortOf({ effect, rule, reason }: Decision): Pick<Decision, "effect" | "rule" | "reason"> {
  return { effect, rule, reason };
}
