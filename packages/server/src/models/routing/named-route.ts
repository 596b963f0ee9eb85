import { AppError } from "@tutti/core";
import type { ModelFacts } from "../provider-kind.ts";
import { ordered, type Entry, type Ranked } from "./ordering.ts";
import { RetryBudget } from "./retry-budget.ts";
import type { RouteConfig, TargetConfig, TierConfig } from "./route-config.ts";
import type { Candidate, LeftOut, RoutePlan, RouteQuestion } from "./route-plan.ts";
import { Rules } from "./rules.ts";
import { suitabilityOf } from "./suitability.ts";
import { priceOfTarget, type Knowledge, type Place, type Target, type TokenPrice } from "./target.ts";
import type { TargetHealth } from "./target-health.ts";

const ATTEMPTS_MAX = 3;

/** What routes share. */
export interface RouteParts extends Knowledge {
  readonly random: () => number;
  readonly now: () => number;
  readonly healthOf: (target: Target) => TargetHealth;
}

/** The tier that a prompt's length puts it in. */
interface Tiering {
  readonly tier: TierConfig;
  readonly reason: string;
  readonly pruneToTokens?: number;
}

/** A named model of the configuration. */
export class NamedRoute {
  readonly config: RouteConfig;
  readonly budget: RetryBudget;
  readonly #parts: RouteParts;
  readonly #rules: Rules;
  readonly #targets = new Map<TargetConfig, Target>();
  readonly #attemptsMax: number;
  readonly #known: ReadonlySet<string>;

  constructor(config: RouteConfig, parts: RouteParts) {
    this.config = config;
    this.#parts = parts;
    this.#rules = new Rules(config);
    this.budget = new RetryBudget(config.retries.budgetRatio, parts.now());
    this.#attemptsMax = config.retries.attemptsMax ?? Math.max(ATTEMPTS_MAX, config.targets.length);
    this.#known = new Set(config.targets.flatMap(({ tags }) => tags));
  }

  plan(question: RouteQuestion): RoutePlan {
    const tiering = this.#tiering(question);
    const leftOut: LeftOut[] = [];
    const able = this.#able(question, { tiering, leftOut });
    if (able.length === 0) throw this.#nobody(question, leftOut);
    const up = this.#up(able, leftOut);
    const ranked = this.#ranked(up, question);
    const { candidates, said } = this.#placed(ranked, { question, tiering });
    const hedgeAfterMs = candidates.length > 1 ? this.#hedgeAfterMs(candidates) : undefined;
    this.budget.earn();
    return {
      route: this.config.name,
      candidates,
      reason: said.join("; "),
      leftOut,
      attemptsMax: this.#attemptsMax,
      ...(hedgeAfterMs !== undefined && { hedgeAfterMs }),
      resumesText: this.config.afterFirstByte === "text",
      ...(tiering?.pruneToTokens !== undefined && { pruneToTokens: tiering.pruneToTokens }),
    };
  }

  /** Makes each target known to whoever lists them. */
  touch(): void {
    for (const config of this.config.targets) {
      const place = this.#parts.locate(config.model);
      if (place !== undefined) this.#parts.healthOf(this.#targetAt(config, place));
    }
  }

  #tiering({ promptTokens }: RouteQuestion): Tiering | undefined {
    const { tiers = [], aboveTiers } = this.config;
    const last = tiers.at(-1);
    if (last === undefined) return undefined;
    const tokens = Math.round(promptTokens());
    const tier = tiers.find(({ upToTokens }) => tokens <= upToTokens);
    if (tier !== undefined) return { tier, reason: `about ${tokens} tokens, so tier ${tier.name} (up to ${tier.upToTokens})` };
    const above = `about ${tokens} tokens, above tier ${last.name} (up to ${last.upToTokens})`;
    if (aboveTiers === "last") return { tier: last, reason: `${above}, which takes it as it is` };
    return { tier: last, reason: `${above}, so the prompt is shortened to that`, pruneToTokens: last.upToTokens };
  }

  #able(
    question: RouteQuestion,
    { tiering, leftOut }: { readonly tiering: Tiering | undefined; readonly leftOut: LeftOut[] },
  ): readonly Entry[] {
    const tags = (question.tags ?? []).filter((tag) => this.#known.has(tag));
    return this.config.targets.flatMap((config) => {
      const { model, pin } = config;
      const leave = (reason: string): readonly Entry[] => {
        leftOut.push({ model, reason });
        return [];
      };
      const missing = tags.filter((tag) => !config.tags.includes(tag));
      if (missing.length > 0) return leave(`it has no tag ${missing.join(", ")}`);
      const place = this.#parts.locate(model);
      if (place === undefined) return leave("no provider has it");
      const found = suitabilityOf(place, this.#factsOf(config, place), { question, pin, promptTokensMax: tiering?.pruneToTokens });
      if (found.fit === "none") return leave(found.reason);
      const target = this.#targetAt(config, place);
      const doubt = found.fit === "sure" ? "" : found.reason;
      return { config, target, health: this.#parts.healthOf(target), isSure: found.fit === "sure", doubt };
    });
  }

  /** Those that are not left alone; all of them when nobody else is there. */
  #up(able: readonly Entry[], leftOut: LeftOut[]): readonly Entry[] {
    const nowMs = this.#parts.now();
    const up = able.filter(({ health }) => health.isUp(nowMs));
    if (up.length === 0 || up.length === able.length) return able;
    for (const { config, health } of able) {
      if (health.isUp(nowMs)) continue;
      const { status, openForMs = 0 } = health.stats();
      const why = status === "resting" ? "it asked to be left alone" : "it failed too often";
      leftOut.push({ model: config.model, reason: `${why}, and is for ${Math.ceil(openForMs / 1000)} s` });
    }
    return up;
  }

  #ranked(entries: readonly Entry[], question: RouteQuestion): readonly Ranked[] {
    const { random, now } = this.#parts;
    return ordered(this.config, entries, {
      question,
      random,
      nowMs: now(),
      priceOf: ({ target }) => priceOfTarget(target, this.#parts),
    });
  }

  /** Rules come before the strategy, then what is sure before what is not, then the tier. */
  #placed(
    ranked: readonly Ranked[],
    { question, tiering }: { readonly question: RouteQuestion; readonly tiering: Tiering | undefined },
  ): { readonly candidates: readonly Candidate[]; readonly said: readonly string[] } {
    const verdict = this.#rules.isEmpty ? undefined : this.#rules.judge(question.lastUserText?.() ?? "");
    const rank = ({ entry }: Ranked): number => {
      if (verdict?.rule !== undefined && entry.config.model === verdict.rule.target) return -1;
      return (entry.isSure ? 0 : 2) + (tiering !== undefined && !entry.config.tags.includes(tiering.tier.name) ? 1 : 0);
    };
    const placed = ranked.map((item) => ({ item, rank: rank(item) })).toSorted((a, b) => a.rank - b.rank);
    const said = [verdict?.reason, tiering?.reason, this.#strategyText(question)].filter((text) => text !== undefined);
    return {
      said,
      candidates: placed.map(({ item: { entry, why }, rank: place }) => {
        const chosen = place === -1 ? (verdict?.reason ?? why) : why;
        return { target: entry.target, reason: entry.isSure ? chosen : `${chosen}; ${entry.doubt}` };
      }),
    };
  }

  #strategyText({ stickyKey }: RouteQuestion): string {
    const { strategy, sticky, targets } = this.config;
    const [only, ...others] = targets;
    if (only !== undefined && others.length === 0) return `it stands for ${only.model}`;
    if (sticky !== undefined && stickyKey?.() !== undefined && strategy !== "order") return "one target for the whole conversation";
    return STRATEGY_TEXTS[strategy];
  }

  #hedgeAfterMs([first]: readonly Candidate[]): number | undefined {
    const { hedge } = this.config;
    if (hedge === undefined || first === undefined) return undefined;
    return "afterMs" in hedge ? hedge.afterMs : this.#parts.healthOf(first.target).firstByteMsAt(hedge.percentile);
  }

  #targetAt(config: TargetConfig, place: Place): Target {
    const known = this.#targets.get(config);
    if (known?.place.provider === place.provider && known.place.name === place.name) return known;
    const { tags, weight, adapt } = config;
    const price = configuredPrice(config);
    const target = {
      id: `${place.provider.name}/${place.name}`,
      place,
      tags,
      weight,
      ...(adapt !== undefined && { adapt }),
      ...(price !== undefined && { price }),
    };
    this.#targets.set(config, target);
    return target;
  }

  /** What the configuration says of a target counts before what anybody else says. */
  #factsOf({ abilities, contextTokens }: TargetConfig, place: Place): ModelFacts | undefined {
    const facts = this.#parts.facts(place);
    if (abilities === undefined && contextTokens === undefined) return facts;
    return {
      name: place.name,
      ...facts,
      ...(abilities !== undefined && { abilities }),
      ...(contextTokens !== undefined && { contextTokens }),
    };
  }

  #nobody({ model, tags = [] }: RouteQuestion, leftOut: readonly LeftOut[]): AppError {
    const reasons = leftOut.map((one) => `${one.model}: ${one.reason}`).join("; ");
    const isNowhere = leftOut.every(({ reason }) => reason === "no provider has it");
    if (isNowhere)
      return new AppError("model_not_found", `wanted a target of the model "${model}", got none: ${reasons}; see \`tutti models routes\``);
    const wish = tags.length === 0 ? "" : ` with the tags ${tags.join(", ")}`;
    return new AppError(
      "unsupported",
      `wanted a target of the model "${model}" that can take this request${wish}, got none: ${reasons}; change the request, or give the route one that can`,
    );
  }
}

const STRATEGY_TEXTS: Readonly<Record<RouteConfig["strategy"], string>> = {
  order: "in the configured order",
  weight: "drawn by weight",
  "least-busy": "the least busy first",
  latency: "the fastest first byte first",
  cost: "the cheapest first",
};

function configuredPrice({ price }: TargetConfig): TokenPrice | undefined {
  return price && { inputPerToken: price.inputPerMillion / 1e6, outputPerToken: price.outputPerMillion / 1e6 };
}
