import { AppError, type Engine, type Json, type Principal, type Store } from "@tutti/core";
import type { Logger } from "../telemetry/index.ts";
import type { AgentDeps } from "./agents/index.ts";
import { importPlugin, requireInside } from "./plugins.ts";
import type { LoadedPlugin, Registry } from "./registry.ts";

const ENABLED_SETTING = "plugins.enabled";

/** A plugin that did not load, and why; the others are there all the same. */
export interface PluginFailure {
  readonly plugin: string;
  readonly message: string;
}

/** What plugins are loaded with. Paths are relative to `baseDir`. */
export interface PluginLoaderParts {
  readonly registry: Registry;
  readonly store: Store;
  readonly engine: Engine;
  readonly agents: AgentDeps;
  readonly logger: Logger;
  readonly baseDir: string;
}

/** Loads plugins by name or path, and remembers those that were enabled while running. */
export class PluginLoader {
  readonly #parts: PluginLoaderParts;

  constructor(parts: PluginLoaderParts) {
    this.#parts = parts;
  }

  /** Loads the named plugins and the enabled ones, one after the other, so that which of two takes a name does not depend on chance. */
  async loadAll(names: readonly string[]): Promise<readonly PluginFailure[]> {
    const failures: PluginFailure[] = [];
    for (const name of new Set([...names, ...(await this.#enabled())])) {
      try {
        await this.#load(name);
      } catch (error) {
        this.#parts.logger.error({ plugin: name, error }, "a plugin did not load");
        failures.push({ plugin: name, message: error instanceof Error ? error.message : String(error) });
      }
    }
    return failures;
  }

  /** Loads a plugin from inside the base folder, now and at every start, if policy lets the principal. */
  async enable(path: string, principal: Principal): Promise<LoadedPlugin> {
    const { engine, store, baseDir } = this.#parts;
    const step = { workflow: "tutti.admin", action: "plugin.enable", kind: "step", name: path, input: { plugin: path } } as const;
    const recorded = engine.record(step, principal);
    try {
      await requireInside(baseDir, path);
      const loaded = await this.#load(path);
      const enabled = await this.#enabled();
      if (!enabled.includes(loaded.path)) await store.setSetting(ENABLED_SETTING, [...enabled, loaded.path]);
      await recorded.complete({ ...loaded });
      return loaded;
    } catch (thrown) {
      const error = AppError.from(thrown);
      await recorded.fail(error.code, error.message);
      throw error;
    }
  }

  async #enabled(): Promise<readonly string[]> {
    const enabled: Json = (await this.#parts.store.getSetting(ENABLED_SETTING)) ?? [];
    return enabled as readonly string[];
  }

  async #load(nameOrPath: string): Promise<LoadedPlugin> {
    const { registry, agents, baseDir } = this.#parts;
    const { plugin, path } = await importPlugin(nameOrPath, baseDir);
    return registry.plugins.find((loaded) => loaded.path === path) ?? registry.add(plugin, path, agents);
  }
}
