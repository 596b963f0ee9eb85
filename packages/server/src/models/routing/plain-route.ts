import { AppError } from "@tutti/core";
import type { RouteParts } from "./named-route.ts";
import { RetryBudget } from "./retry-budget.ts";
import { RETRY_BUDGET_RATIO } from "./route-config.ts";
import type { RoutePlan, RouteQuestion } from "./route-plan.ts";
import { suitabilityOf } from "./suitability.ts";
import type { Place, Target } from "./target.ts";

/** What is asked by its own name is passed through once: clients try again themselves. Retries are for named models. */
const ATTEMPTS_MAX = 1;

/** A model that is asked for by its own name: one candidate, and a plan that is made once. */
export class PlainRoute {
  readonly budget: RetryBudget;
  readonly #place: Place;
  readonly #parts: RouteParts;
  readonly #plan: RoutePlan;

  constructor(model: string, place: Place, parts: RouteParts) {
    this.#place = place;
    this.#parts = parts;
    this.budget = new RetryBudget(RETRY_BUDGET_RATIO, parts.now());
    const target: Target = { id: `${place.provider.name}/${place.name}`, place, tags: [], weight: 1 };
    const reason = `${model} is ${place.name} at ${place.provider.name}; no route is configured for it`;
    this.#plan = {
      route: model,
      candidates: [{ target, reason: "the only one" }],
      reason,
      leftOut: [],
      attemptsMax: ATTEMPTS_MAX,
      resumesText: false,
    };
  }

  /** Whether the model is still where this route was made for: discovery may have found it elsewhere. */
  isAt(place: Place): boolean {
    return place.provider === this.#place.provider && place.name === this.#place.name;
  }

  plan(question: RouteQuestion): RoutePlan {
    const found = suitabilityOf(this.#place, this.#parts.facts(this.#place), unpinned(question));
    if (found.fit === "none")
      throw new AppError("unsupported", `wanted what "${question.model}" can do, but ${found.reason}; ask another model`);
    this.budget.earn();
    return this.#plan;
  }
}

function unpinned(question: RouteQuestion) {
  return { question, pin: undefined, promptTokensMax: undefined };
}
