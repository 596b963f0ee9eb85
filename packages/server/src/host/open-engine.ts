import type { Engine, Store } from "@tutti/core";
import { EmbeddedEngine, type EngineParts } from "../engine/index.ts";
import type { Models } from "../models/index.ts";
import type { Config } from "./config/index.ts";
import type { Registry } from "./registry.ts";

/** What an engine finds things in. */
export interface EngineSources {
  readonly store: Store;
  readonly registry: Registry;
  readonly models: Models;
}

/** The engine the configuration names. */
export function openEngine(config: Config, { store, registry, models }: EngineSources): Engine {
  const parts: EngineParts = {
    workflow: (name, version) => registry.workflow(name, version),
    tool: (name) => registry.tool(name),
    model: (id) => registry.model(id) ?? models.model(id),
    decide: (action) => registry.decide(action),
    policyHash: () => registry.policyHash,
  };
  return new EmbeddedEngine({ store, parts, runsActiveMax: config.runsActiveMax, queues: config.queues });
}
