import type { Engine, Store } from "@tutti/core";
import { Keys } from "../auth/index.ts";
import { Budgets, createModels, type Models } from "../models/index.ts";
import type { Logger } from "../telemetry/index.ts";
import type { Config } from "./config/index.ts";
import { Gateway } from "./gateway/index.ts";
import { PolicyFile, Router } from "./routing/index.ts";
import { providersOf } from "./providers.ts";

/** The way to models: who may use it, what they may spend, and the models themselves. */
export interface GatewayServices {
  readonly models: Models;
  readonly keys: Keys;
  readonly budgets: Budgets;
  readonly gateway: Gateway;
  /** Says where texts go. */
  readonly textRouter: Router;
}

/** What it is opened with; the engine is asked for later, because it needs the models first. */
interface GatewaySources {
  readonly store: Store;
  readonly logger: Logger;
  readonly engine: () => Engine;
}

/** Opens it; `close` it after the engine has written its last events. */
export async function openGateway(
  config: Config,
  { store, logger, engine }: GatewaySources,
): Promise<GatewayServices & { readonly close: () => Promise<void> }> {
  await using opening = new AsyncDisposableStack();
  const models = createModels({
    providers: providersOf(config),
    routes: config.models,
    cache: config.cache,
    guardrails: config.guardrails,
    defaultModel: config.model,
    log: (message) => logger.warn(message),
  });
  opening.defer(() => models.close());
  const onError = (error: unknown): void => logger.error({ error }, "keys or budgets are in trouble");
  const keys = await Keys.open({ store, onError });
  opening.defer(() => keys.close());
  const { redisUrl, onRedisLoss } = config;
  const budgets = await Budgets.open({ store, groups: config.budgets, redisUrl, onRedisLoss, onError });
  opening.defer(() => budgets.close());
  const gateway = new Gateway({ engine, models, budgets, payerOf: (principal) => keys.payerOf(principal) });
  const open = (path: string | undefined): Promise<PolicyFile> | undefined =>
    path === undefined
      ? undefined
      : PolicyFile.open(path, (problem) => logger.error({ path, problem }, "the router policy is wrong; what held before holds on"));
  const files = { policy: await open(config.routerPolicyPath), shadow: await open(config.routerPolicyShadowPath), store };
  const textRouter = new Router(files, (texts, model, signal) => models.embed(texts, model, signal));
  const closing = opening.move();
  return { models, keys, budgets, gateway, textRouter, close: () => closing.disposeAsync() };
}
