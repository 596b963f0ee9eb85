import { AppError, type Engine, type Plugin, type Principal, type RunRecord, type Store } from "@tutti/core";
import { authenticator, keyPolicy, newToken, OwnerToken, Sessions, tokenHash, type Authenticate, type Keys } from "../auth/index.ts";
import type { ApprovalBook } from "../engine/index.ts";
import type { Models } from "../models/index.ts";
import type { Survey } from "../store/index.ts";
import { createMetrics, logEvents, type Logger, type Metrics } from "../telemetry/index.ts";
import type { AgentDeps } from "./agents/index.ts";
import type { Batches } from "./batches/index.ts";
import { createCodeSandbox, type CodeSandbox } from "./code-sandbox.ts";
import { describeConfig, type Config, type ConfigReading, type ConfigRow } from "./config/index.ts";
import { Doors } from "./doors/index.ts";
import { SavedGraphs, VERSION_WORKFLOW } from "./graphs/index.ts";
import { FiledPolicies } from "./policy/index.ts";
import { openPluginFolder, type PluginFolder } from "./plugin-folder/index.ts";
import { openMcpServers, type McpServers } from "./mcp/index.ts";
import { PluginLoader, type PluginFailure } from "./plugin-loader.ts";
import { Panels } from "./panels/index.ts";
import { Retention } from "./retention.ts";
import { ToolImports } from "./tool-imports.ts";
import { Registry, type LoadedPlugin } from "./registry.ts";
import {
  builtInWorkflows,
  createApprovals,
  createBatches,
  createGraphHost,
  createServices,
  createWebhooks,
  declarePlugin,
  trustedPrincipal,
  type Services,
} from "./services.ts";
import { taintPolicies } from "./taint-policy.ts";
import { openEngine } from "./open-engine.ts";
import { openGateway, type GatewayServices } from "./open-gateway.ts";
import { openStore } from "./open-store.ts";
import { openTools, type OpenTools } from "./open-tools.ts";
import { warnOfWorkspace } from "./own-paths.ts";

/** How an app is opened. `recover`: go on with unfinished runs at once, or leave them until they are asked for. */
export interface AppOptions {
  readonly logger: Logger;
  readonly recover: "all" | "none";
  /** Whether people and other commands are told of this app: then it makes the first token, and leaves word in the data folder. */
  readonly isAnnounced: boolean;
  /** Plugins given as values, beside those the configuration names. */
  readonly plugins?: readonly Plugin[];
  /** The folder that paths in the configuration and of plugins are relative to. */
  readonly baseDir: string;
  /** The configuration file, where it is known. */
  readonly configFile?: string | undefined;
  /** Where each setting comes from, where that is known; otherwise each was given by whoever opens the app. */
  readonly sources?: ConfigReading["sources"];
}

/** Everything a face needs. */
export interface App extends Services, GatewayServices {
  readonly config: Config;
  /** What paths in requests count from, and stay inside of. */
  readonly baseDir: string;
  readonly configFile: string | undefined;
  /** Every setting as people may see it. */
  settings(): readonly ConfigRow[];
  readonly store: Store & Survey;
  readonly engine: Engine;
  readonly registry: Registry;
  readonly batches: Batches;
  readonly policy: FiledPolicies;
  /** Where code runs. */
  readonly sandbox: CodeSandbox;
  /** How programs in jails reach models and tools. */
  readonly doors: Doors;
  readonly metrics: Metrics;
  readonly logger: Logger;
  readonly authenticate: Authenticate;
  /** Browsers that people signed in with. */
  readonly sessions: Sessions;
  /** Set at the first start only, to be shown once; the store holds its hash. */
  readonly newToken: string | undefined;
  /** The token that people hold; none where nobody is asked for one. */
  readonly ownerToken: OwnerToken | undefined;
  /** Lives as long as this process, for commands on the same machine. */
  readonly localToken: string;
  readonly pluginFailures: readonly PluginFailure[];
  readonly retention: Retention;
  readonly approvals: ApprovalBook;
  /** Graphs that people keep under a name. */
  readonly savedGraphs: SavedGraphs;
  /** MCP servers whose tools are used. */
  readonly mcpServers: McpServers;
  readonly imports: ToolImports;
  /** Plugins in processes of their own. */
  readonly folder: PluginFolder;
  /** Panels of the console that plugins bring. */
  readonly panels: Panels;
  /** Loads a plugin and remembers it for the next start. */
  enablePlugin(path: string, principal: Principal): Promise<LoadedPlugin>;
  stop(graceMs: number): Promise<void>;
}

/** The composition root: from a configuration to an app. */
export async function openApp(config: Config, options: AppOptions): Promise<App> {
  await using opening = new AsyncDisposableStack();
  const { logger, baseDir } = options;
  const store = await openStore(config);
  opening.defer(() => store.close());
  const { close: closeGateway, ...gate } = await openGateway(config, { store, logger, engine: () => engine });
  opening.defer(closeGateway);
  const { models, keys, textRouter } = gate;
  const metrics = createMetrics({ storeIsHealthy: () => store.health().ok, modelNumbers: () => models.router.stats() });
  const webhooks = createWebhooks(store, config);
  opening.defer(() => webhooks[Symbol.asyncDispose]());
  const graphs = createGraphHost(store, (id) => modelFor(id, { registry, models }));
  const batches = createBatches(config, { store, engine: () => engine, registry: () => registry });
  const sandbox = createCodeSandbox(config);
  opening.defer(() => sandbox.close());
  const doors = new Doors();
  const tools = openTools(config, { ...options, sandbox });
  if (options.recover === "all") await warnOfWorkspace(config, options);
  opening.defer(() => tools.close());
  const registry: Registry = new Registry({
    tools: tools.tools,
    workflows: builtInWorkflows({ store, webhooks, graphs, batches, textRouter, engine: () => engine }),
    toolsAllow: config.toolsAllow,
    policies: [keyPolicy(keys), doors.policy, ...taintPolicies(config)],
    graphs,
  });
  const approvals = createApprovals({ store, keys, engine: () => engine, registry });
  const engine: Engine = await openEngine(config, { store, registry, models, logger, approvals });
  engine.subscribe((event) => metrics.observe(event));
  engine.subscribe(logEvents(logger));
  const agents = agentDeps(config, { registry, models, textRouter, servers: () => mcpServers });
  const services = createServices({ engine, store, webhooks, logger, workflow: (name) => registry.workflow(name) });
  const plugins = await loadPlugins(config, options, { registry, agents, services, engine, store, logger, models });
  opening.use(plugins.folder);
  const savedGraphs = opening.use(await SavedGraphs.open({ engine, store, registry, host: graphs }));
  const imports = new ToolImports({ registry, store, engine, logger, apis: tools.apis, fetchText: tools.fetchText });
  await imports.load();
  const isNeeded = async (run: RunRecord): Promise<boolean> => run.workflow === VERSION_WORKFLOW || approvals.isOpen(run);
  const retention = new Retention(store, config, { logger, isNeeded });
  const policy = opening.use(new FiledPolicies({ config, registry, logger, baseDir }));
  await policy.open();
  const mcpServers = opening.use(await openMcpServers({ config, store, registry, engine, logger, sandbox, doors, baseDir }));
  const door = await openDoor(config, { store, keys, isAnnounced: options.isAnnounced });
  opening.defer(() => closeDoor(door));
  if (options.recover === "all")
    plugins.pluginFailures.push(...(await goOn({ engine, registry, services, logger, retention, folder: plugins.folder, sandbox })));
  opening.move();
  const parts = { config, baseDir, store, engine, registry, batches, policy, sandbox, doors, metrics, logger, retention, approvals };
  const app = {
    ...parts,
    savedGraphs,
    mcpServers,
    imports,
    ...shownConfig(config, options),
    ...door,
    ...gate,
    ...services,
    ...plugins,
  };
  return { ...app, stop: (graceMs) => stop({ ...app, services, webhooks, tools, closeGateway }, graceMs) };
}

/** The configuration as people may see it. */
function shownConfig(config: Config, { configFile, sources }: AppOptions): Pick<App, "configFile" | "settings"> {
  return { configFile, settings: () => describeConfig({ config, ...(sources && { sources }) }) };
}

/** Ends everything, each part when nothing needs it any more. */
async function stop(
  parts: Pick<
    App,
    | "mcpServers"
    | "retention"
    | "policy"
    | "sandbox"
    | "folder"
    | "engine"
    | "sessions"
    | "savedGraphs"
    | "ownerToken"
    | "store"
    | "gateway"
  > & {
    readonly services: Services;
    readonly webhooks: AsyncDisposable;
    readonly tools: Pick<OpenTools, "close">;
    readonly closeGateway: () => Promise<void>;
  },
  graceMs: number,
): Promise<void> {
  const { services } = parts;
  await parts.retention.stop();
  await parts.policy[Symbol.asyncDispose]();
  await services.waitingRuns.stop();
  await services.events.stop();
  await parts.gateway.settled();
  await parts.engine.stop(graceMs);
  await parts.mcpServers[Symbol.asyncDispose]();
  await parts.folder[Symbol.asyncDispose]();
  // Webhooks under way have used their connections until here.
  await parts.webhooks[Symbol.asyncDispose]();
  await parts.tools.close();
  await parts.sandbox.close();
  await parts.closeGateway();
  await parts.savedGraphs[Symbol.asyncDispose]();
  await closeDoor(parts);
  await parts.store.close();
}

interface PluginSources {
  readonly registry: Registry;
  readonly agents: AgentDeps;
  readonly services: Services;
  readonly engine: Engine;
  readonly store: Store;
  readonly logger: Logger;
  readonly models: Models;
}

/** Plugins in this process, by value, by name and by path; then those of the folder, whose names must not take theirs. */
async function loadPlugins(
  config: Config,
  { plugins = [], baseDir }: AppOptions,
  sources: PluginSources,
): Promise<Pick<App, "folder" | "enablePlugin" | "panels"> & { readonly pluginFailures: PluginFailure[] }> {
  const { registry, agents } = sources;
  const loader = new PluginLoader({ ...sources, baseDir });
  for (const plugin of plugins) await registry.add(plugin, "inline", agents);
  const pluginFailures = [...(await loader.loadAll(config.plugins))];
  const folder = await openPluginFolder(config, sources);
  return { folder, pluginFailures, panels: new Panels(sources), enablePlugin: (path, principal) => loader.enable(path, principal) };
}

/** Goes on with what was under way, and with what plugins declare; returns those whose declarations are not right. */
async function goOn(app: {
  readonly engine: Engine;
  readonly registry: Registry;
  readonly services: Services;
  readonly logger: Logger;
  readonly retention: Retention;
  readonly folder: PluginFolder;
  readonly sandbox: CodeSandbox;
}): Promise<readonly PluginFailure[]> {
  const { engine, registry, services, logger } = app;
  const failures: PluginFailure[] = [];
  const count = await engine.recover();
  if (count > 0) logger.info({ runs: count }, "unfinished runs go on");
  for (const plugin of registry.loaded) {
    await declarePlugin(services, plugin, trustedPrincipal(plugin.name)).catch((error: unknown) => {
      const message = `what it declares is not right: ${AppError.from(error).message}`;
      failures.push({ plugin: plugin.name, message });
      logger.error({ plugin: plugin.name, reason: message }, "a plugin's schedules or subscriptions are not right");
    });
  }
  await services.events.start();
  await services.waitingRuns.start();
  app.retention.start();
  await app.folder.watch();
  app.sandbox.testSoon(logger);
  return failures;
}

function agentDeps(
  config: Config,
  found: Pick<GatewayServices, "textRouter"> & {
    readonly registry: Registry;
    readonly models: Models;
    readonly servers: () => McpServers;
  },
): AgentDeps {
  const { toolResults } = config;
  return {
    findModel: (id) => modelFor(id, found),
    modelFor: (message) => found.textRouter.modelFor(message),
    findTool: (name) => found.registry.tool(name),
    findSkill: (name) => found.registry.skill(name),
    hasServer: (name) => found.servers().has(name),
    toolResults,
  };
}

/** The model an agent asks for: "default" is whatever is configured; `undefined` when there is none. */
function modelFor(id: string, { registry, models }: { readonly registry: Registry; readonly models: Models }): string | undefined {
  if (id === "default") return models.defaultModel;
  return registry.model(id) !== undefined || models.router.knows(id) ? id : undefined;
}

type Door = Pick<App, "authenticate" | "sessions" | "newToken" | "localToken" | "ownerToken">;

/** A token is made once, by the first app that people are told about: nobody would see it otherwise. */
async function openDoor(
  config: Config,
  { store, keys, isAnnounced }: { readonly store: Store; readonly keys: Keys; readonly isAnnounced: boolean },
): Promise<Door> {
  const sessions = await Sessions.open({ store });
  const localToken = newToken();
  if (config.auth === "none")
    return { authenticate: authenticator({ mode: "none" }, { keys }), sessions, newToken: undefined, localToken, ownerToken: undefined };
  const { ownerToken, created } = await OwnerToken.open({ store, configured: config.token, isAnnounced });
  const localHash = tokenHash(localToken);
  const hashes = (): readonly string[] => (ownerToken.hash === undefined ? [localHash] : [localHash, ownerToken.hash]);
  return {
    authenticate: authenticator({ mode: "token", hashes }, { keys, sessions }),
    sessions,
    newToken: created,
    localToken,
    ownerToken,
  };
}

async function closeDoor({ ownerToken, sessions }: Pick<Door, "ownerToken" | "sessions">): Promise<void> {
  await ownerToken?.close();
  await sessions.close();
}
