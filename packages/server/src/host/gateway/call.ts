import { setTimeout as sleep } from "node:timers/promises";
import { AppError, type Json, type RecordedRun } from "@tutti/core";
import type { Usage } from "@tutti/core/model";
import { callEnd, costUsdOf } from "../../models/index.ts";
import type { Budgets, CallWatch, Models, Payer, Reservation, RoutePlan, Spend, Surface, Target } from "../../models/index.ts";

/** A try at one target. */
export interface Try {
  readonly target: Target;
  /** Aborted when the caller is, and when another try was faster; left out where neither can be. */
  readonly signal: AbortSignal | undefined;
  /** To be called before the client is given anything. After `false` it must not be: another try answers. */
  claim(): boolean;
  /** Whether an answer with this status goes to the client as it is; otherwise another try may do better, and it is to be thrown. */
  passesOn(status: number): boolean;
}

/** What a try gave. Without `usage` nothing was spent, or nobody said how much. */
export interface Attempted {
  readonly status: number;
  readonly usage?: Usage | undefined;
  /** With a refusal: how long the provider asks to be left alone. */
  readonly retryAfterMs?: number | undefined;
  /** The provider did not say: counted here. */
  readonly isEstimated?: boolean;
  /** What else the log keeps. */
  readonly details?: { readonly [key: string]: Json };
}

/** What a call is made of. */
export interface CallParts {
  readonly surface: Surface;
  readonly plan: RoutePlan;
  readonly recorded: RecordedRun;
  readonly models: Models;
  readonly budgets: Budgets;
  readonly payer: Payer | undefined;
}

/** What is set aside for an answer whose length neither the client nor the model is known to bound. */
const OUTPUT_TOKENS_ASSUMED = 4_096;

/** How many answers are asked for, and how long the client lets each become. */
interface Answers {
  readonly tokensMax: number | undefined;
  readonly count: number;
}

/** What one target used. */
interface Spending {
  readonly target: Target;
  readonly usage: Usage;
  readonly isEstimated: boolean;
}

/** One failed try, as the log keeps it. */
type Tried = { readonly target: string; readonly code: string; readonly message: string };

/** Statuses after which the same request may do better elsewhere, or later (RFC 9110 §15, and 529, Anthropic's "overloaded"). */
const isPassing = (status: number): boolean => status === 408 || status === 429 || status >= 500;
/** Statuses that are about this provider's set-up, not about the request. */
const isOfProvider = (status: number): boolean => status === 401 || status === 403 || status === 404;

/** One call through the gateway: its tries in the plan's order, what it may spend and what it spent, and its one event in the log. */
export class GatewayCall {
  readonly runId: string;
  readonly plan: RoutePlan;
  readonly payer: Payer | undefined;
  readonly #parts: CallParts;
  readonly #tried: Tried[] = [];
  #reservation: Reservation | undefined;
  #target: Target | undefined;
  readonly #spendings: Spending[] = [];

  constructor(parts: CallParts) {
    this.#parts = parts;
    this.runId = parts.recorded.runId;
    this.plan = parts.plan;
    this.payer = parts.payer;
  }

  /** Sets aside what the call may cost at most; throws `rate_limited` or `budget_exceeded`. Nothing to do for who has no limits. */
  async reserve(inputTokens: number, answers: Answers): Promise<void> {
    const { budgets, payer, plan, models } = this.#parts;
    if (payer === undefined) return;
    await models.loadPrices();
    const bounds = plan.candidates.map(({ target }) => {
      const known = models.facts(target.place).outputTokensMax;
      return Math.min(answers.tokensMax ?? known ?? OUTPUT_TOKENS_ASSUMED, known ?? Infinity);
    });
    const outputTokensMax = Math.max(...bounds) * answers.count;
    // A fallback may cost more than the first.
    const usage = { inputTokens, outputTokens: outputTokensMax };
    const costs = plan.candidates.flatMap(({ target }) => {
      const price = target.price ?? models.priceOf(target.place);
      return price === undefined ? [] : [costUsdOf(usage, price)];
    });
    const costUsdMax = costs.length === 0 ? undefined : Math.max(...costs);
    this.#reservation = await budgets.reserve(payer, { model: plan.route, inputTokens, outputTokensMax, costUsdMax });
  }

  /** What the limits have left, for the answer's headers. */
  get rateHeaders(): Readonly<Record<string, string>> {
    return this.#reservation?.headers ?? {};
  }

  /** What was used at a target beside what the last try gives: by one that was broken off, or to prepare the request. */
  spent(target: Target, usage: Usage, isEstimated: boolean): void {
    this.#spendings.push({ target, usage, isEstimated });
  }

  /** Another target that goes on with an answer that was broken off; `undefined` when there is none that may be asked. */
  goOn(from: Target): { readonly target: Target; readonly watch: CallWatch } | undefined {
    const tried = new Set(this.#tried.map(({ target }) => target)).add(from.id);
    for (const { target } of this.plan.candidates) {
      if (tried.has(target.id)) continue;
      const watch = this.#beginOrNot(target);
      if (watch === undefined) continue;
      this.#target = target;
      return { target, watch };
    }
    return undefined;
  }

  /** Tries the plan's targets until one has answered. A try that fails before it claimed the client's answer is followed by the next. */
  attempt(work: (attempt: Try) => Promise<Attempted>, signal: AbortSignal | undefined): Promise<Attempted> {
    const { hedgeAfterMs, candidates } = this.plan;
    return hedgeAfterMs === undefined || candidates.length < 2 ? this.#inTurn(work, signal) : this.#hedged(work, signal, hedgeAfterMs);
  }

  /** Ends the call's event and settles what was reserved; to be called once. */
  async complete(done: Attempted): Promise<void> {
    const { recorded } = this.#parts;
    if (done.usage !== undefined && this.#target !== undefined) this.spent(this.#target, done.usage, done.isEstimated === true);
    const output = await this.#end({ status: done.status, ...done.details });
    if (done.status < 400) await recorded.complete(output);
    else await recorded.fail("upstream", `${this.#target?.id ?? "the provider"} answered with status ${done.status}`, output);
  }

  /** The same for a call that failed. */
  async fail(error: AppError): Promise<void> {
    const output = await this.#end({});
    await this.#parts.recorded.fail(error.code, error.message, output);
  }

  async #end(details: { readonly [key: string]: Json }): Promise<Json> {
    const { plan, models } = this.#parts;
    const target = this.#target;
    const choice = plan.candidates.length < 2 ? undefined : plan.candidates.find((candidate) => candidate.target === target);
    const route = {
      ...(target !== undefined && { target: target.id }),
      why: choice === undefined ? plan.reason : `${plan.reason}; ${choice.reason}`,
      ...(plan.leftOut.length > 0 && { leftOut: plan.leftOut as unknown as Json }),
      ...(this.#tried.length > 0 && { tried: this.#tried }),
    };
    if (this.#spendings.length === 0) {
      this.#reservation?.release();
      return { ...details, ...route };
    }
    const costs: (number | undefined)[] = [];
    for (const spending of this.#spendings) costs.push(await costUsd(models, spending));
    this.#settle(costs);
    const spends = this.#spendings.map((spending, index) => this.#note(spending, costs[index]));
    return { ...details, ...route, spend: (spends.length === 1 ? spends[0] : spends) as unknown as Json };
  }

  /** The reservation is for the whole request, however many targets were asked. */
  #settle(costs: readonly (number | undefined)[]): void {
    const sum = (of: (usage: Usage) => number): number => this.#spendings.reduce((total, { usage }) => total + of(usage), 0);
    const known = costs.filter((cost) => cost !== undefined);
    this.#reservation?.settle({
      usage: { inputTokens: sum(({ inputTokens }) => inputTokens), outputTokens: sum(({ outputTokens }) => outputTokens) },
      costUsd: known.length === 0 ? undefined : known.reduce((total, cost) => total + cost, 0),
      isEstimated: this.#spendings.some(({ isEstimated }) => isEstimated),
    });
  }

  #note({ target, usage, isEstimated }: Spending, cost: number | undefined): Spend {
    const { plan, surface, payer, budgets } = this.#parts;
    const { name: provider } = target.place.provider;
    return budgets.note(payer, { model: plan.route, provider, surface, usage, costUsd: cost, isEstimated });
  }

  async #inTurn(work: (attempt: Try) => Promise<Attempted>, signal: AbortSignal | undefined, from = 1): Promise<Attempted> {
    const { candidates, attemptsMax } = this.plan;
    for (let number = from; ; number += 1) {
      const candidate = candidates[(number - 1) % candidates.length];
      if (candidate === undefined) throw new AppError("internal", "wanted a plan with a target, got one without");
      const state = { isClaimed: false };
      const passesOn = (status: number): boolean => this.#passesOn(status, number);
      const tried = this.#try(candidate.target, work, { signal, passesOn, claim: () => (state.isClaimed = true) });
      try {
        return await tried;
      } catch (thrown) {
        const error = AppError.from(thrown);
        const isOver = state.isClaimed || signal?.aborted === true || number >= attemptsMax;
        const pauseMs = isOver ? undefined : this.#parts.models.router.pauseBeforeMs(this.plan, number, error);
        if (pauseMs === undefined) throw error;
        if (pauseMs > 0) await sleep(pauseMs, undefined, signal && { signal });
      }
    }
  }

  /** The first target, and the second beside it when the first is slow to begin; who begins first answers. */
  async #hedged(work: (attempt: Try) => Promise<Attempted>, signal: AbortSignal | undefined, afterMs: number): Promise<Attempted> {
    const race = { winner: -1 };
    const stops = [new AbortController(), new AbortController()];
    const start = (index: number): Promise<Attempted> => {
      const candidate = this.plan.candidates[index];
      if (candidate === undefined) throw new AppError("internal", "wanted a second target, got none");
      const claim = (): boolean => {
        if (race.winner < 0) {
          race.winner = index;
          stops[1 - index]?.abort(new AppError("cancelled", "another target answered first"));
        }
        return race.winner === index;
      };
      return this.#try(candidate.target, work, {
        signal: AbortSignal.any([signal, stops[index]?.signal].filter((one) => one !== undefined)),
        claim,
        passesOn: (status) => !isPassing(status) && !isOfProvider(status),
      });
    };
    const first = start(0);
    const isSlow = Symbol("slow");
    const timer = new AbortController();
    const begun = await Promise.race([
      first.then(
        () => "ended" as const,
        () => "failed" as const,
      ),
      sleep(afterMs, isSlow, { signal: timer.signal }).catch(() => isSlow),
    ]);
    timer.abort();
    if (begun === "ended" || (begun === isSlow && race.winner === 0)) return first;
    const second = start(1);
    try {
      // The winner's end is the call's end; a loser only ever rejects.
      return await Promise.any([first, second]);
    } catch (thrown) {
      const errors = (thrown instanceof AggregateError ? thrown.errors : [thrown]).map((one) => AppError.from(one));
      const error = errors.find(({ code }) => code !== "cancelled") ?? AppError.from(thrown);
      const isOver = race.winner >= 0 || signal?.aborted === true;
      if (isOver || this.#parts.models.router.pauseBeforeMs(this.plan, 2, error) === undefined) throw error;
      return this.#inTurn(work, signal, 3);
    }
  }

  async #try(
    target: Target,
    work: (attempt: Try) => Promise<Attempted>,
    how: { readonly signal: AbortSignal | undefined; readonly claim: () => boolean; readonly passesOn: (status: number) => boolean },
  ): Promise<Attempted> {
    const watch = this.#begin(target);
    const claim = (): boolean => {
      if (!how.claim()) return false;
      this.#target = target;
      watch.firstByte();
      return true;
    };
    try {
      const done = await work({ target, signal: how.signal, claim, passesOn: how.passesOn });
      this.#target = target;
      watch.end(endOf(done));
      return done;
    } catch (thrown) {
      const error = AppError.from(thrown);
      watch.end(callEnd(error, how.signal));
      this.#failedAt(target, error);
      throw error;
    }
  }

  #beginOrNot(target: Target): CallWatch | undefined {
    try {
      return this.#begin(target);
    } catch {
      // It is left alone for now, and noted as such.
      return undefined;
    }
  }

  /** Throws when the target is left alone for now. */
  #begin(target: Target): CallWatch {
    try {
      return this.#parts.models.router.begin(target);
    } catch (thrown) {
      this.#failedAt(target, AppError.from(thrown));
      throw thrown;
    }
  }

  #failedAt({ id }: Target, { code, message }: AppError): void {
    this.#tried.push({ target: id, code, message });
  }

  #passesOn(status: number, number: number): boolean {
    const { attemptsMax, candidates } = this.plan;
    if (status < 400 || number >= attemptsMax) return true;
    return !isPassing(status) && !(isOfProvider(status) && number < candidates.length);
  }
}

/** By the price that the configuration says, else by the provider's list; unknown where there is neither. */
async function costUsd(models: Models, { target, usage }: Spending): Promise<number | undefined> {
  return target.price === undefined ? models.costUsdAt(target.place, usage).catch(() => undefined) : costUsdOf(usage, target.price);
}

/** How a call looks to the router whose answer went to the client as it is. */
function endOf({ status, usage, retryAfterMs }: Attempted): Parameters<CallWatch["end"]>[0] {
  const outcome = isPassing(status) ? "failed" : "answered";
  return { outcome, ...(usage && { usage }), ...(retryAfterMs !== undefined && { retryAfterMs }) };
}
