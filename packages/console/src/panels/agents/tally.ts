import type { Json } from "@tutti/core";
import { fieldsOf } from "../../parts/json-fields.ts";

/** Which of two answers was better. */
export type Verdict = "a" | "b" | "same";

/** How often each of two models was better. */
interface Pair {
  readonly a: string;
  readonly b: string;
  readonly wonA: number;
  readonly wonB: number;
  readonly same: number;
}

/** All votes, by pair; the newest pair first. */
export interface Tally {
  readonly pairs: readonly Pair[];
}

/** Pairs that are kept: the oldest go first. */
const PAIRS_MAX = 200;

/** No votes yet. */
export const EMPTY_TALLY: Tally = { pairs: [] };

/** The votes in a saved view; what is odd in it is left out. Pure. */
export function readTally(value: Json): Tally {
  const pairs = fieldsOf(value)["pairs"];
  return {
    pairs: (Array.isArray(pairs) ? (pairs as readonly Json[]) : []).flatMap((one): readonly Pair[] => {
      const { a, b, wonA, wonB, same } = fieldsOf(one);
      if (typeof a !== "string" || typeof b !== "string") return [];
      return [{ a, b, wonA: countOf(wonA), wonB: countOf(wonB), same: countOf(same) }];
    }),
  };
}

/** The votes with one more; which of a pair stood first does not matter. Pure. */
export function withVote(
  { pairs }: Tally,
  { a, b, verdict }: { readonly a: string; readonly b: string; readonly verdict: Verdict },
): Tally {
  const [first, second] = a <= b ? [a, b] : [b, a];
  const isTurned = first !== a;
  const before = pairs.find((one) => one.a === first && one.b === second) ?? { a: first, b: second, wonA: 0, wonB: 0, same: 0 };
  const winner = verdict === "same" ? "same" : (verdict === "a") === isTurned ? "wonB" : "wonA";
  const next = { ...before, [winner]: before[winner] + 1 };
  return { pairs: [next, ...pairs.filter((one) => one !== before)].slice(0, PAIRS_MAX) };
}

function countOf(value: Json | undefined): number {
  return typeof value === "number" && value >= 0 ? Math.floor(value) : 0;
}
