import { rendezvousScore } from "./rendezvous.ts";
import type { RouteQuestion } from "./route-plan.ts";
import type { RouteConfig, TargetConfig } from "./route-config.ts";
import type { Target, TokenPrice } from "./target.ts";
import type { TargetHealth } from "./target-health.ts";

/** How long an answer is taken to be where nobody knows. */
const OUTPUT_TOKENS = 500;
/** What a target with a call under way counts as that was never measured: the rest waits until it has shown how fast it is. */
const UNMEASURED_MS = 60_000;

/** A target that can take the request. */
export interface Entry {
  readonly config: TargetConfig;
  readonly target: Target;
  readonly health: TargetHealth;
  readonly isSure: boolean;
  /** What is not sure about it. */
  readonly doubt: string;
}

/** An entry in its place, with the number or name that put it there. */
export interface Ranked {
  readonly entry: Entry;
  readonly why: string;
}

/** What strategies look at beside the entries. */
export interface OrderingParts {
  readonly question: RouteQuestion;
  readonly random: () => number;
  readonly nowMs: number;
  readonly priceOf: (entry: Entry) => TokenPrice | undefined;
}

/** The entries in the route's order, the best first. */
export function ordered(route: RouteConfig, entries: readonly Entry[], parts: OrderingParts): readonly Ranked[] {
  // Targets in a fixed order are sticky by themselves.
  const stickyKey = route.sticky === undefined || route.strategy === "order" ? undefined : parts.question.stickyKey?.();
  if (stickyKey !== undefined) return byConversation(entries, stickyKey);
  switch (route.strategy) {
    case "order":
      return entries.map((entry) => ({ entry, why: `place ${route.targets.indexOf(entry.config) + 1} of the order` }));
    case "weight":
      return byWeight(entries, parts.random);
    case "least-busy":
      return byNumber(entries, parts, ({ health, target }) => ({
        value: health.underWay / positive(target.weight),
        why: `${health.underWay} calls under way`,
      }));
    case "latency":
      return byNumber(entries, parts, (entry) => expectedWait(entry, parts.nowMs));
    case "cost":
      return byNumber(entries, parts, (entry) => expectedCost(entry, parts));
  }
}

function byConversation(entries: readonly Entry[], key: string): readonly Ranked[] {
  return sorted(
    entries.map((entry) => ({
      entry,
      why: "the conversation's own target",
      value: -rendezvousScore(key, entry.target.id, entry.target.weight),
    })),
  ).map((ranked, index) => (index === 0 ? ranked : { ...ranked, why: "next for this conversation" }));
}

/** Weighted sampling without replacement (Efraimidis and Spirakis 2006), so that fallbacks follow the weights as well. */
function byWeight(entries: readonly Entry[], random: () => number): readonly Ranked[] {
  return sorted(
    entries.map((entry) => {
      const { weight } = entry.target;
      return { entry, why: `drawn by weight ${weight}`, value: weight <= 0 ? Infinity : -Math.log(1 - random()) / weight };
    }),
  );
}

/** The smallest first; equals are drawn, so that they share the load. */
function byNumber(
  entries: readonly Entry[],
  { random }: OrderingParts,
  measure: (entry: Entry) => { readonly value: number; readonly why: string },
): readonly Ranked[] {
  const offset = Math.floor(random() * entries.length);
  const turned = [...entries.slice(offset), ...entries.slice(0, offset)];
  return sorted(turned.map((entry) => ({ entry, ...measure(entry) })));
}

function sorted(items: readonly (Ranked & { readonly value: number })[]): readonly Ranked[] {
  // Two infinities are equal; their difference is no number.
  return items.toSorted((a, b) => (a.value === b.value ? 0 : a.value - b.value));
}

/** Calls under way count as well: a fast target that everybody is sent to is fast no longer. */
function expectedWait({ health }: Entry, nowMs: number): { readonly value: number; readonly why: string } {
  const expectedMs = health.expectedFirstByteMs(nowMs);
  if (expectedMs === undefined) {
    const value = health.underWay === 0 ? 0 : UNMEASURED_MS + health.underWay;
    return { value, why: "its first byte was never measured" };
  }
  return {
    value: Math.max(expectedMs, 1) * (health.underWay + 1),
    why: `first byte after about ${Math.round(expectedMs)} ms, ${health.underWay} calls under way`,
  };
}

/** What the request will cost: the list price of the prompt, less what the provider's cache mostly holds of it, and of a usual answer. */
function expectedCost(entry: Entry, { question, priceOf }: OrderingParts): { readonly value: number; readonly why: string } {
  const price = priceOf(entry);
  if (price === undefined) return { value: Infinity, why: "its price is not known" };
  const { inputPerToken, outputPerToken, cacheReadPerToken = inputPerToken } = price;
  if (inputPerToken === 0 && outputPerToken === 0) return { value: 0, why: "it costs nothing" };
  const { cacheShare, outputTokens = OUTPUT_TOKENS } = entry.health;
  const perInput = inputPerToken + cacheShare * (cacheReadPerToken - inputPerToken);
  const value = question.promptTokens() * perInput + Math.min(outputTokens, question.outputTokensMax ?? Infinity) * outputPerToken;
  const cached = cacheShare > 0 ? `, ${Math.round(cacheShare * 100)} % of it cached` : "";
  return { value, why: `about $${value.toPrecision(2)} for this prompt${cached}` };
}

function positive(weight: number): number {
  return weight > 0 ? weight : Number.MIN_VALUE;
}
