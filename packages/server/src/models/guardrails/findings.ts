import { AppError } from "@tutti/core";
import type { GuardAction, GuardFinding, GuardPlace } from "./guard-config.ts";

/** What one call's guards found, counted. What was found itself is never kept. */
export class Findings {
  readonly #byKind = new Map<string, { readonly finding: Omit<GuardFinding, "count">; count: number }>();

  /** Counts one; throws `denied` where the guard blocks. */
  add(finding: Omit<GuardFinding, "count">): void {
    const key = JSON.stringify([finding.guard, finding.where, finding.what]);
    const known = this.#byKind.get(key) ?? { finding, count: 0 };
    known.count += 1;
    this.#byKind.set(key, known);
    if (finding.action === "block") throw refusal(finding);
  }

  /** In an order that does not depend on how an answer was cut. */
  all(): readonly GuardFinding[] {
    const kinds = Array.from(this.#byKind).toSorted(([a], [b]) => (a < b ? -1 : 1));
    return kinds.map(([, { finding, count }]) => ({ ...finding, count }));
  }
}

const PLACES: Readonly<Record<GuardPlace, string>> = { input: "request", "tool-result": "tool's result", output: "answer" };

function refusal({
  guard,
  where,
  what,
}: {
  readonly guard: string;
  readonly where: GuardPlace;
  readonly what: string;
  readonly action: GuardAction;
}): AppError {
  return new AppError("denied", `the guardrail "${guard}" refuses this ${PLACES[where]}: ${what} was found in it`, { cause: { guard } });
}
