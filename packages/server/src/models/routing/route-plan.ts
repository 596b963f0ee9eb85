import type { Ability } from "../provider-kind.ts";
import type { Surface } from "../provider.ts";
import type { Target } from "./target.ts";

/** What is to be routed. Functions are asked only when the answer depends on them. */
export interface RouteQuestion {
  readonly model: string;
  readonly surface: Surface;
  readonly needs: readonly Ability[];
  readonly promptTokens: () => number;
  readonly outputTokensMax?: number;
  /** What the turns of one conversation have in common. */
  readonly stickyKey?: () => string | undefined;
  readonly tags?: readonly string[];
  /** For rules: the last thing that the user said. */
  readonly lastUserText?: () => string;
}

/** Where a request goes, and why. Attempt `n` (from 0) is made at `candidates[n % candidates.length]`. */
export interface RoutePlan {
  /** The named model, or the model itself where nothing is configured for its name. */
  readonly route: string;
  /** The best first, at least one. */
  readonly candidates: readonly Candidate[];
  readonly reason: string;
  /** Targets of the route that cannot take this request, or not now. */
  readonly leftOut: readonly LeftOut[];
  readonly attemptsMax: number;
  readonly hedgeAfterMs?: number;
  /** An answer of plain text that broke off may be gone on with by the next candidate. */
  readonly resumesText: boolean;
  /** The prompt is to be shortened to this first. */
  readonly pruneToTokens?: number;
}

/** A target and why it stands where it stands. */
export interface Candidate {
  readonly target: Target;
  readonly reason: string;
}

/** A model that was not chosen. */
export interface LeftOut {
  readonly model: string;
  readonly reason: string;
}
