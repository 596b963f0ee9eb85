import { join } from "node:path";
import { AppError, parse, type Engine, type Json, type Plugin, type Principal, type Store, type Workflow } from "@tutti/core";
import type { Keys } from "../auth/index.ts";
import {
  ApprovalBook,
  deadLetterWorkflow,
  DeadLetters,
  Events,
  graphInterpreter,
  OutgoingWebhooks,
  Schedules,
  scheduleWorkflow,
  storeCache,
  subscriptionSchema,
  Supervision,
  supervisorWorkflow,
  WaitingRuns,
  type GraphHost,
  parseInput,
} from "../engine/index.ts";
import { FILES_FOLDER } from "../store/index.ts";
import type { Logger } from "../telemetry/index.ts";
import { Batches, Files } from "./batches/index.ts";
import { coderWorkflow } from "./coder/index.ts";
import type { Config } from "./config/index.ts";
import { questionWorkflow, samplingWorkflow } from "./mcp/index.ts";
import type { Registry } from "./registry.ts";
import { routeWorkflow, type Router } from "./routing/index.ts";
import { toolWorkflow } from "./tool-workflow.ts";

/** What runs beside the runs that people start: each is made of durable workflows of its own. */
export interface Services {
  readonly events: Events;
  readonly schedules: Schedules;
  readonly supervision: Supervision;
  readonly deadLetters: DeadLetters;
  /** Gives events to the runs that wait for them. */
  readonly waitingRuns: WaitingRuns;
}

/** What the built-in workflows need of the host; the engine is asked for later, because it needs them first. */
export interface BuiltInParts {
  readonly store: Store;
  readonly webhooks: OutgoingWebhooks;
  readonly graphs: GraphHost;
  readonly batches: Batches;
  readonly textRouter: Router;
  readonly engine: () => Engine;
}

/** The host's own workflows. */
export function builtInWorkflows({ webhooks, graphs, batches, textRouter, engine }: BuiltInParts): readonly Workflow[] {
  return [
    toolWorkflow,
    routeWorkflow(() => textRouter),
    scheduleWorkflow,
    supervisorWorkflow,
    deadLetterWorkflow({ engine }),
    webhooks.workflow,
    batches.workflow as Workflow,
    graphInterpreter(graphs),
    coderWorkflow({ findModel: graphs.findModel }),
    questionWorkflow,
    samplingWorkflow,
  ] as readonly Workflow[];
}

/** Webhooks to the configured endpoints. */
export function createWebhooks(store: Store, config: Config): OutgoingWebhooks {
  return new OutgoingWebhooks(
    store,
    config.webhooks.flatMap(({ name, url, secrets, privateAllow }) => (url === undefined ? [] : [{ name, url, secrets, privateAllow }])),
  );
}

/** What graphs may use. */
export function createGraphHost(store: Store, findModel: GraphHost["findModel"]): GraphHost {
  return { findModel, cache: storeCache(store) };
}

/** Batches of calls, whose files stand in the data folder; the engine and the registry are asked for later. */
export function createBatches(
  { dataDir }: Config,
  { store, engine, registry }: { readonly store: Store; readonly engine: () => Engine; readonly registry: () => Registry },
): Batches {
  return new Batches({ files: new Files(join(dataDir, FILES_FOLDER)), store, engine, decide: (action) => registry().decide(action) });
}

/** Approvals that people give before they are asked; the engine is asked for later. */
export function createApprovals({
  store,
  keys,
  engine,
  registry,
}: {
  readonly store: Store;
  readonly keys: Keys;
  readonly engine: () => Engine;
  readonly registry: Registry;
}): ApprovalBook {
  return new ApprovalBook({
    store,
    engine,
    tool: (name) => registry.tool(name),
    decide: (action) => registry.decide(action),
    ownerOf: (principal) => keys.keyOf(principal)?.user,
  });
}

/** What services are made of. */
export interface ServicesParts {
  readonly engine: Engine;
  readonly store: Store;
  readonly webhooks: OutgoingWebhooks;
  readonly logger: Logger;
  /** The workflow or agent of a name. */
  readonly workflow: (name: string) => Workflow | undefined;
}

/** Opens them; nothing is delivered before `events.start()`. */
export function createServices({ engine, store, webhooks, logger, workflow }: ServicesParts): Services {
  const checkStart = async (name: string, input: Json): Promise<void> => {
    const found = workflow(name);
    if (found === undefined || name.startsWith("tutti."))
      throw new AppError(
        "not_found",
        `wanted a workflow or agent called "${name}", got none by that name; \`GET /v1/workflows\` lists them`,
      );
    await parseInput(found, input);
  };
  const parts = { engine, store, checkStart };
  return {
    events: new Events({
      engine,
      store,
      webhooks,
      hasWorkflow: (name) => workflow(name) !== undefined,
      onError: (error, fields) => logger.error({ error, ...(fields as object) }, "a subscription is in trouble"),
    }),
    schedules: new Schedules(parts),
    supervision: new Supervision(parts),
    deadLetters: new DeadLetters(parts),
    waitingRuns: new WaitingRuns(engine, store, (error) => logger.error({ error }, "an event did not reach a run that waits for it")),
  };
}

/** A plugin in this process does what its owner may do: loading it was the owner's decision to run its code. */
export function trustedPrincipal(name: string): Principal {
  return { id: `plugin:${name}`, tenant: "default", roles: ["owner"] };
}

/** Schedules and subscriptions that a plugin brings: made or brought up to date, under the plugin's name. */
export async function declarePlugin(
  { schedules, events }: Pick<Services, "schedules" | "events">,
  plugin: Pick<Plugin, "name" | "schedules" | "subscriptions">,
  principal: Principal,
): Promise<void> {
  for (const schedule of plugin.schedules ?? []) await schedules.declare(schedule, principal);
  for (const subscription of plugin.subscriptions ?? [])
    await events.subscriptions.declare(await parse(subscriptionSchema, subscription, `a subscription of ${plugin.name}`), principal);
}
