import type { Engine, Store } from "@tutti/core";
import { EmbeddedEngine, isUntrusted, openRestate, type ApprovalBook, type EngineParts } from "../engine/index.ts";
import type { Models } from "../models/index.ts";
import type { Config } from "./config/index.ts";
import type { Logger } from "../telemetry/index.ts";
import { TaintMemory } from "./taint-memory.ts";
import type { Registry } from "./registry.ts";

/** What an engine finds things in. */
export interface EngineSources {
  readonly store: Store;
  readonly registry: Registry;
  readonly models: Models;
  readonly logger: Logger;
  readonly approvals: ApprovalBook;
}

/** The engine the configuration names. */
export async function openEngine(config: Config, { store, registry, models, logger, approvals }: EngineSources): Promise<Engine> {
  const isUntrustedTool = (name: string): boolean => {
    const tool = registry.tool(name);
    return tool === undefined || isUntrusted(tool);
  };
  const memory = new TaintMemory(store, {
    isUntrusted: isUntrustedTool,
    mayReadUntrusted: (workflow) => registry.agent(workflow)?.tools.some(isUntrustedTool) ?? false,
  });
  const parts: EngineParts = {
    workflow: (name, version) => registry.workflow(name, version),
    tool: (name) => registry.tool(name),
    model: (id) => registry.model(id) ?? models.model(id),
    costUsd: (id, usage) => (registry.model(id) === undefined ? models.costUsd(id, usage) : Promise.resolve(undefined)),
    taintOf: (start) => memory.sourcesOf(start),
    onOutput: (end) => memory.remember(end),
    looksAt: (kind) => registry.policies.looksAt(kind),
    decide: (action) => registry.decide(action),
    policyHash: () => registry.policyHash,
    approvals,
    ownerOf: (principal) => approvals.ownerOf(principal),
  };
  const { engine } = config;
  if (engine !== "embedded") {
    const log = (level: "info" | "warn", message: string): void => logger[level]({ component: "restate" }, message);
    return openRestate({ ...config, engine }, { store, parts, log });
  }
  return new EmbeddedEngine({ store, parts, runsActiveMax: config.runsActiveMax, queues: config.queues });
}
