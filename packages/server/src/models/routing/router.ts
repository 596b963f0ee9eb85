import { AppError, type ErrorCode } from "@tutti/core";
import { backoffMs } from "@tutti/core/resilience";
import { NamedRoute, type RouteParts } from "./named-route.ts";
import { PlainRoute } from "./plain-route.ts";
import { orMeant } from "@tutti/core/graph";
import type { RouteConfig } from "./route-config.ts";
import type { RoutePlan, RouteQuestion } from "./route-plan.ts";
import { TargetHealth, type CallWatch, type TargetStats } from "./target-health.ts";
import { priceOfTarget, type Knowledge, type Place, type Target } from "./target.ts";

/** Models without a route that are remembered with their plan and their numbers; beyond it those known longest are forgotten. */
const PLAIN_MAX = 1_000;
const TARGETS_MAX = 2_000;
/** How retries at the same target are spaced. */
const BACKOFF = { delayMs: 250, delayMaxMs: 5_000 } as const;
/** Nobody waits longer than this for a target that asks to be left alone. */
const RETRY_AFTER_MS_MAX = 15_000;

/** What a router is made of. */
export interface RouterOptions extends Knowledge {
  readonly routes: readonly RouteConfig[];
  readonly random?: () => number;
  /** A monotonic clock in ms. */
  readonly now?: () => number;
}

/** A route for every name that begins and ends like this. */
interface Pattern {
  readonly before: string;
  readonly after: string;
  readonly route: NamedRoute;
}

/** Says which models a request may go to, in which order and why, from what it has seen of them. Nothing in it waits. */
export class Router {
  readonly #named: ReadonlyMap<string, NamedRoute>;
  readonly #patterns: readonly Pattern[];
  readonly #plain = new Map<string, PlainRoute>();
  readonly #health = new Map<string, TargetHealth>();
  /** Of targets that the configuration names: names that clients make up do not push these out. */
  readonly #kept = new Map<string, TargetHealth>();
  readonly #parts: RouteParts;

  constructor({ routes, locate, facts, priceOf, random = Math.random, now = () => performance.now() }: RouterOptions) {
    this.#parts = { locate, facts, priceOf, random, now, healthOf: (target) => this.#keptHealthOf(target) };
    this.#named = new Map(routes.map((route) => [route.name, new NamedRoute(route, this.#parts)]));
    // The pattern that says most comes first.
    this.#patterns = [...this.#named.values()]
      .flatMap((route) => patternOf(route) ?? [])
      .toSorted((a, b) => b.route.config.name.length - a.route.config.name.length);
  }

  /** Throws `model_not_found`, or `unsupported` with each target's reason when none of them can. */
  plan(question: RouteQuestion): RoutePlan {
    const { model } = question;
    const named = this.#named.get(model);
    if (named !== undefined) return named.plan(question);
    const place = this.#parts.locate(model);
    const pattern = this.#patterns.length === 0 || isFullName(model, place) ? undefined : this.#patternFor(model);
    if (pattern !== undefined) return pattern.plan(question);
    if (place === undefined) throw this.#unknown(model);
    return this.#plainRoute(model, place).plan(question);
  }

  /** Whether a request for this name would find anybody; cheap. */
  knows(model: string): boolean {
    return this.#named.has(model) || this.#patternFor(model) !== undefined || this.#parts.locate(model) !== undefined;
  }

  /** The named models, as configured. */
  get routes(): readonly RouteConfig[] {
    return [...this.#named.values()].map(({ config }) => config);
  }

  /** Counts a call as under way until its `end`. */
  begin(target: Target): CallWatch {
    return this.#healthOf(target).begin();
  }

  /**
   * How long to wait before the next attempt, after `attempt` of them (from 1) the last of which failed; `undefined`: no more. The next
   * attempt goes to `candidates[attempt % candidates.length]`.
   */
  pauseBeforeMs(plan: RoutePlan, attempt: number, error: AppError): number | undefined {
    const isElsewhere = attempt < plan.candidates.length;
    const canHelp = PASSING.has(error.code) || (isElsewhere && LOCAL.has(error.code));
    if (!canHelp || attempt >= plan.attemptsMax) return undefined;
    const retryAfterMs = isElsewhere ? 0 : retryAfterOf(error);
    if (retryAfterMs > RETRY_AFTER_MS_MAX || (!isElsewhere && this.#isOpen(plan, attempt))) return undefined;
    const route = this.#named.get(plan.route) ?? this.#plain.get(plan.route);
    if (route?.budget.spend(this.#parts.now()) === false) return undefined;
    if (isElsewhere) return 0;
    return Math.max(retryAfterMs, backoffMs(attempt - plan.candidates.length + 1, BACKOFF, this.#parts.random()));
  }

  /** Every target that was asked, and every target of a named model. */
  stats(): readonly TargetStats[] {
    for (const route of this.#named.values()) route.touch();
    return [...this.#kept.values(), ...this.#health.values()].map((health) => health.stats());
  }

  /** Whether the target of the next attempt is left alone for its failures: whoever waited for it would wait for a refusal. */
  #isOpen({ candidates }: RoutePlan, attempt: number): boolean {
    const target = candidates[attempt % candidates.length]?.target;
    return target !== undefined && this.#healthOf(target).isOpen(this.#parts.now());
  }

  #patternFor(model: string): NamedRoute | undefined {
    return this.#patterns.find(
      ({ before, after }) => model.length >= before.length + after.length && model.startsWith(before) && model.endsWith(after),
    )?.route;
  }

  #plainRoute(model: string, place: Place): PlainRoute {
    const known = this.#plain.get(model);
    if (known?.isAt(place) === true) return known;
    forgetOldest(this.#plain, PLAIN_MAX);
    const route = new PlainRoute(model, place, this.#parts);
    this.#plain.set(model, route);
    return route;
  }

  #healthOf(target: Target): TargetHealth {
    const known = this.#kept.get(target.id) ?? this.#health.get(target.id);
    if (known !== undefined) return known;
    forgetOldest(this.#health, TARGETS_MAX);
    const health = new TargetHealth(target, { now: this.#parts.now, priceOf: (asked) => priceOfTarget(asked, this.#parts) });
    this.#health.set(target.id, health);
    return health;
  }

  #keptHealthOf(target: Target): TargetHealth {
    const kept = this.#kept.get(target.id);
    if (kept !== undefined) return kept;
    const health = this.#healthOf(target);
    this.#health.delete(target.id);
    this.#kept.set(target.id, health);
    return health;
  }

  #unknown(model: string): AppError {
    const meant = this.#named.size === 0 ? "" : ` (${orMeant(model, [...this.#named.keys()])})`;
    return new AppError("model_not_found", `wanted a model, got "${model}", which is none${meant}; \`GET /v1/models\` lists them`);
  }
}

function patternOf(route: NamedRoute): Pattern | undefined {
  const [before = "", after] = route.config.name.split("*");
  return after === undefined ? undefined : { before, after, route };
}

/** Whoever names the provider as well wants just that model, whatever patterns there are. */
function isFullName(model: string, place: Place | undefined): boolean {
  return place !== undefined && model === `${place.provider.name}/${place.name}`;
}

function forgetOldest<T>(map: Map<string, T>, sizeMax: number): void {
  if (map.size < sizeMax) return;
  for (const oldest of map.keys()) return void map.delete(oldest);
}

/** What the same request may meet once, and not again. */
const PASSING: ReadonlySet<string> = new Set<ErrorCode>(["upstream", "timeout", "rate_limited", "overloaded"]);
/** A wrong key, a model that is gone, a body or a feature that this provider does not take: others may. */
const LOCAL: ReadonlySet<string> = new Set<ErrorCode>(["invalid_config", "model_not_found", "no_model", "too_large", "unsupported"]);

function retryAfterOf({ cause }: AppError): number {
  const found = typeof cause === "object" && cause !== null && "retryAfterMs" in cause ? cause.retryAfterMs : undefined;
  return typeof found === "number" && found > 0 ? found : 0;
}
