import type { Ability } from "../provider-kind.ts";
import type { Adaptation } from "./adapt.ts";

/** A named model of the configuration: which models answer for it, and how one of them is chosen. An alias is a route with one target. */
export interface RouteConfig {
  readonly name: string;
  readonly strategy: Strategy;
  readonly targets: readonly TargetConfig[];
  /** Which targets a prompt goes to by its length, the shortest first. Left out: length does not matter. */
  readonly tiers?: readonly TierConfig[];
  /** What becomes of prompts longer than the last tier: they are shortened to it, or go to its targets as they are. */
  readonly aboveTiers: "summary" | "last";
  readonly retries: RetryConfig;
  readonly hedge?: HedgeConfig;
  /** Turns of one conversation go to one target, whose prompt cache then knows them. */
  readonly sticky?: "conversation";
  /** Whether an answer of plain text that broke off may be gone on with by another target. */
  readonly afterFirstByte: "never" | "text";
  readonly rules: readonly RuleConfig[];
  readonly rulesConfidenceMin: number;
  /** How far the best rule has to be ahead of one that names another target. */
  readonly rulesGapMin: number;
}

/** How candidates are put in order. */
type Strategy = "order" | "weight" | "least-busy" | "latency" | "cost";

/** One model of a route. What is said of its abilities, context and price here counts before what anybody else says. */
export interface TargetConfig {
  readonly model: string;
  readonly weight: number;
  readonly tags: readonly string[];
  readonly abilities?: readonly Ability[];
  readonly contextTokens?: number;
  /** The only version that is good enough: a digest or its beginning, or a dated name. */
  readonly pin?: string;
  readonly price?: { readonly inputPerMillion: number; readonly outputPerMillion: number };
  readonly adapt?: Adaptation;
}

/** Prompts of at most so many tokens go to the targets tagged with the tier's name. */
export interface TierConfig {
  readonly name: string;
  readonly upToTokens: number;
}

/** How often one request may be tried, and how many retries a route may make for each request that comes in. */
interface RetryConfig {
  /** Left out: three, or once for each target where there are more. */
  readonly attemptsMax?: number;
  readonly budgetRatio: number;
}

/** When a second target is asked beside the first: after a fixed time, or once the first is slower than so many of its answers in a hundred. */
type HedgeConfig = { readonly afterMs: number } | { readonly percentile: number };

/** A rule over the last thing that the user said. It speaks when one of its patterns is found there. */
export interface RuleConfig {
  readonly id: string;
  readonly matchAny: readonly string[];
  readonly confidence: number;
  readonly reason: string;
  readonly target: string;
}

/** How many retries a route may make for each request, unless it says otherwise. */
export const RETRY_BUDGET_RATIO = 0.2;
