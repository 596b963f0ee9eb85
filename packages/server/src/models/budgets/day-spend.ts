import { NANOS, nanosOf } from "./limits.ts";
import type { Spend } from "./spend.ts";

/** Rows of one day; what comes beyond stands in one row whose names are all "(other)". */
const ROWS_MAX = 10_000;
const OTHER = "(other)";

/** What spending can be looked at by. */
export const DIMENSIONS = ["key", "user", "team", "model", "provider", "workflow", "day"] as const;

/** One of them. */
export type Dimension = (typeof DIMENSIONS)[number];

/** What a row of the ledger adds up. */
interface Totals {
  readonly requests: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly cacheReadTokens: number;
  readonly cacheWriteTokens: number;
  readonly reasoningTokens: number;
  readonly costUsd: number;
  /** Requests whose tokens were counted here, because the provider did not say. */
  readonly estimated: number;
  /** Requests to models without a known price; they are in no sum of dollars. */
  readonly unpriced: number;
}

/** Numbers in the order of `Totals`; dollars in billionths. */
type Sums = number[];
type Names = readonly [key: string, user: string, team: string, model: string, provider: string, workflow: string];

/**
 * A day as the store holds it. `position` is that of the last event of the log it knows. A row is its names, then its sums; versions before
 * this one wrote no workflow.
 */
export interface DaySnapshot {
  readonly position: number;
  readonly rows: readonly (readonly (string | number)[])[];
  /** What was used in each minute of the day in which something was; versions before this one wrote none. */
  readonly minutes?: readonly (readonly [minute: number, ...used: Used])[];
}

/** Tokens, and dollars in billionths. */
export type Used = readonly [inputTokens: number, outputTokens: number, nanoUsd: number];

/** What one event of the log tells, and of which workflow it is: one of Tutti's own for an exchange through the gateway. */
interface Told {
  readonly spends: readonly Spend[];
  readonly workflow: string;
  readonly used: Used;
  readonly minute: number;
}

/** What was spent on one day, by everything that it can be looked at by. */
export class DaySpend {
  readonly #rows: Map<string, { readonly names: Names; readonly sums: Sums }>;
  readonly #minutes: Map<number, Used>;
  /** Of the last event of the log that was counted in. */
  position: number;
  isDirty = false;

  constructor(snapshot: DaySnapshot = { position: 0, rows: [] }) {
    this.position = snapshot.position;
    this.#minutes = new Map((snapshot.minutes ?? []).map(([minute, ...used]) => [minute, used]));
    this.#rows = new Map(
      snapshot.rows.map((row) => {
        const [key = "", user = "", team = "", model = "", provider = "", workflow = ""] = row.filter((value) => typeof value === "string");
        const names: Names = [key, user, team, model, provider, workflow];
        return [names.join("\n"), { names, sums: row.filter((value) => typeof value === "number") }];
      }),
    );
  }

  /** Adds what the event of the log at a position tells, once. */
  add({ spends, workflow, used, minute }: Told, position: number): void {
    if (position <= this.position) return;
    this.position = position;
    this.isDirty = true;
    const [input, output, nanoUsd] = this.#minutes.get(minute) ?? [0, 0, 0];
    this.#minutes.set(minute, [input + used[0], output + used[1], nanoUsd + used[2]]);
    for (const spend of spends) {
      const { sums } = this.#row([spend.keyId ?? "", spend.user ?? "", spend.team ?? "", spend.model, spend.provider, workflow]);
      for (const [index, value] of sumsOf(spend).entries()) sums[index] = (sums[index] ?? 0) + value;
    }
  }

  *rows(): Generator<{ readonly names: Names; readonly sums: readonly number[] }> {
    yield* this.#rows.values();
  }

  minutes(): Iterable<readonly [minute: number, used: Used]> {
    return this.#minutes;
  }

  snapshot(): DaySnapshot {
    const minutes = [...this.#minutes].map(([minute, used]) => [minute, ...used] as const);
    return { position: this.position, minutes, rows: [...this.#rows.values()].map(({ names, sums }) => [...names, ...sums]) };
  }

  #row(names: Names): { readonly sums: Sums } {
    const place = names.join("\n");
    const known = this.#rows.get(place);
    if (known !== undefined) return known;
    if (this.#rows.size >= ROWS_MAX && names[0] !== OTHER) return this.#row([OTHER, OTHER, OTHER, OTHER, OTHER, OTHER]);
    const row = { names, sums: [] };
    this.#rows.set(place, row);
    return row;
  }
}

/** A row of the ledger: the names it is grouped by, and its sums. Spending of the owner's own token has the key "". */
export type LedgerRow = Readonly<Partial<Record<Dimension, string>>> & Totals;

/** Adds up the rows of days by some dimensions, dearest first. Pure. */
export function group(days: Iterable<readonly [day: string, spend: DaySpend]>, by: readonly Dimension[]): readonly LedgerRow[] {
  const groups = new Map<string, { readonly names: readonly string[]; readonly sums: Sums }>();
  for (const [day, spend] of days)
    for (const { names, sums } of spend.rows()) {
      const chosen = by.map((dimension) => [...names, day][DIMENSIONS.indexOf(dimension)] ?? "");
      const place = chosen.join("\n");
      let found = groups.get(place);
      if (found === undefined) groups.set(place, (found = { names: chosen, sums: [] }));
      for (const [index, value] of sums.entries()) found.sums[index] = (found.sums[index] ?? 0) + value;
    }
  const rows = [...groups.values()].map(({ names, sums }): LedgerRow => ({
    ...Object.fromEntries(by.map((dimension, index) => [dimension, names[index] ?? ""])),
    ...totalsOf(sums),
  }));
  return by[0] === "day"
    ? rows.toSorted((a, b) => (a.day ?? "").localeCompare(b.day ?? ""))
    : rows.toSorted((a, b) => b.costUsd - a.costUsd || b.inputTokens + b.outputTokens - a.inputTokens - a.outputTokens);
}

function sumsOf({ usage, costUsd, isEstimated }: Spend): Sums {
  const { inputTokens, outputTokens, cacheReadTokens = 0, cacheWriteTokens = 0, reasoningTokens = 0 } = usage;
  const flags = [isEstimated === true ? 1 : 0, costUsd === undefined ? 1 : 0];
  return [1, inputTokens, outputTokens, cacheReadTokens, cacheWriteTokens, reasoningTokens, nanosOf(costUsd), ...flags];
}

function totalsOf(sums: readonly number[]): Totals {
  const [requests = 0, inputTokens = 0, outputTokens = 0, cacheReadTokens = 0, cacheWriteTokens = 0, reasoningTokens = 0] = sums;
  const [nanoUsd = 0, estimated = 0, unpriced = 0] = sums.slice(6);
  const tokens = { inputTokens, outputTokens, cacheReadTokens, cacheWriteTokens, reasoningTokens };
  return { requests, ...tokens, costUsd: nanoUsd / NANOS, estimated, unpriced };
}
