import { AppError, type Engine, type Json, type Plugin, type Principal, type Store } from "@tutti/core";
import { authenticator, newToken, tokenHash, type Doorkeeper } from "../auth/index.ts";
import { EmbeddedEngine } from "../engine/index.ts";
import { createModels, type Models } from "../models/index.ts";
import { SqliteStore } from "../store/index.ts";
import { createMetrics, logEvents, type Logger, type Metrics } from "../telemetry/index.ts";
import { builtInTools } from "../tools/index.ts";
import type { Config } from "./config/index.ts";
import { importPlugin, requireInside } from "./plugins.ts";
import { providersOf } from "./providers.ts";
import { Registry, type LoadedPlugin } from "./registry.ts";
import { toolWorkflow } from "./tool-workflow.ts";

const TOKEN_SETTING = "token.sha256";
const PLUGINS_SETTING = "plugins.enabled";

/** How an app is opened. `recover`: go on with unfinished runs at once, or leave them until they are asked for. */
export interface AppOptions {
  readonly logger: Logger;
  readonly recover: "all" | "none";
  /** Plugins given as values, beside those the configuration names. */
  readonly plugins?: readonly Plugin[];
  /** The folder that paths in the configuration and of plugins are relative to. */
  readonly baseDir: string;
}

/** A plugin that did not load, and why; the others are there all the same. */
export interface PluginFailure {
  readonly plugin: string;
  readonly message: string;
}

/** Everything a face needs. */
export interface App {
  readonly config: Config;
  readonly store: Store;
  readonly engine: Engine;
  readonly registry: Registry;
  readonly models: Models;
  readonly metrics: Metrics;
  readonly logger: Logger;
  readonly authenticate: (authorization: string | undefined) => Principal;
  /** Set at the first start only, to be shown once; the store holds its hash. */
  readonly newToken: string | undefined;
  /** Lives as long as this process, for commands on the same machine. */
  readonly localToken: string;
  readonly pluginFailures: readonly PluginFailure[];
  /** Loads a plugin and remembers it for the next start. */
  enablePlugin(path: string, principal: Principal): Promise<LoadedPlugin>;
  stop(graceMs: number): Promise<void>;
}

/** The composition root: from a configuration to an app. */
export async function openApp(config: Config, options: AppOptions): Promise<App> {
  await using opening = new AsyncDisposableStack();
  const store = await SqliteStore.open(config.dataDir);
  opening.defer(() => store.close());
  const models = createModels({
    providers: providersOf(config),
    defaultModel: config.model,
    log: (message) => options.logger.warn(message),
  });
  opening.defer(() => models.close());
  const metrics = createMetrics({ storeIsHealthy: () => store.health().ok });
  const registry = new Registry({ tools: builtInTools, workflows: [toolWorkflow], toolsAllow: config.toolsAllow });
  const engine = new EmbeddedEngine({
    store,
    runsActiveMax: config.runsActiveMax,
    parts: {
      workflow: (name) => registry.workflow(name),
      tool: (name) => registry.tool(name),
      model: (id) => registry.model(id) ?? models.model(id),
      decide: (action) => registry.decide(action),
      policyHash: () => registry.policyHash,
    },
  });
  engine.subscribe((event) => metrics.observe(event));
  engine.subscribe(logEvents(options.logger));
  const enabled = ((await store.getSetting(PLUGINS_SETTING)) ?? []) as readonly string[];
  const agentDeps = { findModel: (id: string) => modelFor(id, { registry, models }), findTool: (name: string) => registry.tool(name) };
  const load = async (nameOrPath: string): Promise<LoadedPlugin> => {
    const { plugin, path } = await importPlugin(nameOrPath, options.baseDir);
    return registry.plugins.find((loaded) => loaded.path === path) ?? registry.add(plugin, path, agentDeps);
  };
  for (const plugin of options.plugins ?? []) await registry.add(plugin, "inline", agentDeps);
  const pluginFailures = await loadAll([...new Set([...config.plugins, ...enabled])], load, options.logger);
  const door = await openDoor(config, store);
  if (options.recover === "all") {
    const count = await engine.recover();
    if (count > 0) options.logger.info({ runs: count }, "unfinished runs go on");
  }
  opening.move();
  return {
    config,
    store,
    engine,
    registry,
    models,
    metrics,
    logger: options.logger,
    pluginFailures,
    ...door,
    async enablePlugin(path, principal) {
      const recorded = engine.record(
        { workflow: "tutti.admin", action: "plugin.enable", kind: "step", name: path, input: { plugin: path } },
        principal,
      );
      try {
        await requireInside(options.baseDir, path);
        const loaded = await load(path);
        const remembered = ((await store.getSetting(PLUGINS_SETTING)) ?? []) as readonly Json[];
        if (!remembered.includes(loaded.path)) await store.setSetting(PLUGINS_SETTING, [...remembered, loaded.path]);
        recorded.complete({ ...loaded });
        return loaded;
      } catch (thrown) {
        const error = AppError.from(thrown);
        recorded.fail(error.code, error.message);
        throw error;
      }
    },
    async stop(graceMs) {
      await engine.stop(graceMs);
      await models.close();
      await store.close();
    },
  };
}

/** The model an agent asks for: "default" is whatever is configured; `undefined` when there is none. */
function modelFor(id: string, { registry, models }: { readonly registry: Registry; readonly models: Models }): string | undefined {
  if (id === "default") return models.defaultModel;
  return registry.model(id) !== undefined || models.find(id) !== undefined ? id : undefined;
}

/** Loads plugins one after the other, so that which of two takes a name does not depend on chance. A broken one is reported. */
async function loadAll(
  names: readonly string[],
  load: (name: string) => Promise<LoadedPlugin>,
  logger: Logger,
): Promise<readonly PluginFailure[]> {
  const failures: PluginFailure[] = [];
  for (const name of names) {
    try {
      await load(name);
    } catch (error) {
      const message = error instanceof Error ? error.message : String(error);
      logger.error({ plugin: name, err: error }, "a plugin did not load");
      failures.push({ plugin: name, message });
    }
  }
  return failures;
}

async function openDoor(config: Config, store: Store): Promise<Pick<App, "authenticate" | "newToken" | "localToken">> {
  const localToken = newToken();
  const stored = await store.getSetting(TOKEN_SETTING);
  const created = config.token === undefined && stored === undefined ? newToken() : undefined;
  const hash = config.token === undefined && typeof stored === "string" ? stored : tokenHash(config.token ?? created ?? "");
  if (hash !== stored) await store.setSetting(TOKEN_SETTING, hash);
  const door: Doorkeeper = config.auth === "none" ? { mode: "none" } : { mode: "token", hashes: [hash, tokenHash(localToken)] };
  return { authenticate: authenticator(door), newToken: config.auth === "none" ? undefined : created, localToken };
}
