import assert from "node:assert/strict";
import type { ModelFacts } from "../provider-kind.ts";
import type { Provider } from "../provider.ts";
import { Router, type Place, type RouteConfig, type RoutePlan, type RouteQuestion, type TargetConfig, type TokenPrice } from "./index.ts";

/** A world of one remote provider, whose models are what the test says. */
export interface World {
  readonly facts?: Readonly<Record<string, Partial<ModelFacts>>>;
  readonly prices?: Readonly<Record<string, TokenPrice>>;
  readonly gone?: readonly string[];
  readonly random?: () => number;
}

const provider: Provider = { name: "p", baseUrl: "https://models.example.com/v1", models: [] };

/** A target of a route. */
export function target(model: string, more: Partial<TargetConfig> = {}): TargetConfig {
  return { model, weight: 1, tags: [], ...more };
}

/** A route over these models, in order unless told otherwise. */
export function route(name: string, targets: readonly (string | TargetConfig)[], more: Partial<RouteConfig> = {}): RouteConfig {
  return {
    name,
    strategy: "order",
    targets: targets.map((item) => (typeof item === "string" ? target(item) : item)),
    aboveTiers: "summary",
    retries: { budgetRatio: 0.2 },
    afterFirstByte: "never",
    rules: [],
    rulesConfidenceMin: 0.5,
    rulesGapMin: 0,
    ...more,
  };
}

/** A router in a world, with a clock that the test moves. */
export function routerOf(
  routes: readonly RouteConfig[],
  world: World = {},
): { readonly router: Router; readonly clock: { nowMs: number } } {
  const clock = { nowMs: 1_000 };
  const locate = (id: string): Place | undefined => {
    if (world.gone?.includes(id) === true) return undefined;
    const name = id.startsWith("p/") ? id.slice(2) : id;
    return {
      provider,
      open: { generate: nothing, native: (surface) => (surface === "chat/completions" ? "/x" : undefined) },
      upstream: {} as Place["upstream"],
      name,
    };
  };
  const router = new Router({
    routes,
    locate,
    facts: ({ name }) => (world.facts?.[name] === undefined ? undefined : { name, ...world.facts[name] }),
    priceOf: ({ name }) => world.prices?.[name],
    random: world.random ?? (() => 0),
    now: () => clock.nowMs,
  });
  return { router, clock };
}

async function* nothing(): AsyncGenerator<never> {}

/** A chat request for a model. */
export function question(model: string, more: Partial<RouteQuestion> = {}): RouteQuestion {
  return { model, surface: "chat/completions", needs: [], promptTokens: () => 100, ...more };
}

/** The candidates' models, in order. */
export const names = ({ candidates }: RoutePlan): readonly string[] => candidates.map(({ target: { place } }) => place.name);

/** A call to a candidate that took so long to its first byte, and ended so. */
export function called(
  { router, clock }: ReturnType<typeof routerOf>,
  plan: RoutePlan,
  { index = 0, firstByteMs = 0, outcome = "answered" as "answered" | "failed", retryAfterMs = 0 } = {},
): void {
  const candidate = plan.candidates[index];
  assert.ok(candidate);
  const watch = router.begin(candidate.target);
  clock.nowMs += firstByteMs;
  watch.firstByte();
  watch.end({ outcome, ...(retryAfterMs > 0 && { retryAfterMs }) });
}
