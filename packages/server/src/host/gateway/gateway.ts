import { AppError, type Engine, type Json, type Principal } from "@tutti/core";
import type { ModelRequest } from "@tutti/core/model";
import type { Budgets, Models, Payer, RouteQuestion, Surface } from "../../models/index.ts";
import { GatewayCall, type Attempted } from "./call.ts";
import { pruned } from "./prune.ts";

/** What somebody asks of a model, as far as everybody on its way has to know. */
export interface GatewayAsk extends RouteQuestion {
  readonly principal: Principal;
  /** What policies see and the log keeps: digests, not contents. */
  readonly input: Json;
}

/** What the gateway is made of. */
export interface GatewayParts {
  readonly engine: () => Engine;
  readonly models: Models;
  readonly budgets: Budgets;
  /** Whose limits hold for somebody; nobody's for the owner. */
  readonly payerOf: (principal: Principal) => Payer | undefined;
}

/** The runs of each surface are of one workflow, whose name says so. */
const WORKFLOWS = new Map<Surface, string>();

/** Which run's end an error was. */
const RUNS = new WeakMap<AppError, string>();

/** The run that a call was whose error this is, so that its client can find the receipt. */
export function runOf(error: AppError): string | undefined {
  return RUNS.get(error);
}

/** The one way to models: every call is planned, decided, bounded, tried, counted and journaled here. */
export class Gateway {
  readonly #parts: GatewayParts;
  readonly #ends = new Set<Promise<void>>();

  constructor(parts: GatewayParts) {
    this.#parts = parts;
  }

  /**
   * Begins a call, lets `work` do it, and writes its one event when that has ended. Throws what stands in its way (`model_not_found`,
   * `denied`, `rate_limited`, `budget_exceeded`) and what `work` throws.
   */
  async call(ask: GatewayAsk, work: (call: GatewayCall) => Promise<Attempted>): Promise<Attempted> {
    const call = this.#begin(ask);
    try {
      const done = await work(call);
      this.#own(call.complete(done));
      return done;
    } catch (thrown) {
      const error = AppError.from(thrown);
      this.#own(call.fail(error));
      RUNS.set(error, call.runId);
      throw error;
    }
  }

  /** Resolves when every call that has been answered is counted and journaled. */
  async settled(): Promise<void> {
    await Promise.all(this.#ends);
  }

  /** The end of a call goes on after its client was answered. */
  #own(ending: Promise<void>): void {
    const forget = (): void => {
      this.#ends.delete(end);
    };
    const end: Promise<void> = ending.then(forget, forget);
    this.#ends.add(end);
  }

  /** Shortens a request of a call to what its plan wants. */
  async prune(call: GatewayCall, request: ModelRequest, signal: AbortSignal): Promise<ModelRequest> {
    const { pruneToTokens } = call.plan;
    return pruneToTokens === undefined ? request : pruned({ models: this.#parts.models, call, request }, pruneToTokens, signal);
  }

  #begin(ask: GatewayAsk): GatewayCall {
    const { engine, models, budgets, payerOf } = this.#parts;
    const plan = models.router.plan(ask);
    const recorded = engine().record(
      { workflow: workflowOf(ask.surface), action: "model.generate", kind: "model", name: ask.model, input: ask.input },
      ask.principal,
    );
    return new GatewayCall({ surface: ask.surface, plan, recorded, models, budgets, payer: payerOf(ask.principal) });
  }
}

function workflowOf(surface: Surface): string {
  const known = WORKFLOWS.get(surface);
  if (known !== undefined) return known;
  const workflow = `tutti.${surface.replaceAll(/[/_]/g, "-")}`;
  WORKFLOWS.set(surface, workflow);
  return workflow;
}
