import { AppError, parse, type Engine, type Json, type Principal, type Store, type Tool } from "@tutti/core";
import type { Jail, JailSpec } from "@tutti/core/sandbox";
import { z } from "zod";
import {
  Connector,
  finishLogin,
  StoredOAuth,
  type AskingCall,
  type ConnectorHealth,
  type PinnedTool,
  type Pins,
  type Question,
  type QuestionAnswer,
  type SampleParams,
} from "../../mcp/index.ts";
import type { Logger } from "../../telemetry/index.ts";
import { jailWithDoor, type Doors } from "../doors/index.ts";
import { mcpServerSchema, type Config, type McpServerSetting } from "../config/index.ts";
import type { CodeSandbox } from "../code-sandbox.ts";
import type { Registry } from "../registry.ts";
import { QUESTION_WORKFLOW, SAMPLING_WORKFLOW } from "./questions.ts";
import { specOf } from "./spec-of.ts";
import { jailsDirOf, makeVolume, removeVolume } from "./volumes.ts";

/** What the servers need of the host. */
export interface McpServersParts {
  readonly config: Config;
  readonly store: Store;
  readonly registry: Registry;
  readonly engine: Engine;
  readonly logger: Logger;
  readonly baseDir: string;
  readonly sandbox: Pick<CodeSandbox, "getForJails">;
  readonly doors: Doors;
}

/** One server as people see it. */
export interface McpServerView extends ConnectorHealth {
  readonly setting: McpServerSetting;
  /** Whether it stands in the configuration file; the others were added while Tutti ran. */
  readonly isConfigured: boolean;
  readonly pinned: readonly PinnedTool[];
}

const ADDED_SETTING = "mcp.servers";
const SERVERS_MAX = 100;
const QUESTION_TIMEOUT_MS = 3_600_000;
const Answer = z.union([
  z.object({
    action: z.literal("accept"),
    content: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.array(z.string())])),
  }),
  z.object({ action: z.enum(["decline", "cancel"]) }),
]);

/** Something that somebody does to a server. */
interface Act {
  readonly name: string;
  readonly input: Json;
  readonly principal: Principal;
}

interface Known {
  readonly setting: McpServerSetting;
  readonly isConfigured: boolean;
  readonly connector: Connector;
  readonly oauth: StoredOAuth | undefined;
  /** Where a person has to go to log in, while a login is under way. */
  loginUrl: URL | undefined;
}

/** The MCP servers whose tools Tutti uses: those of the configuration, and those that were added. */
export class McpServers implements AsyncDisposable {
  readonly #parts: McpServersParts;
  readonly #known = new Map<string, Known>();

  constructor(parts: McpServersParts) {
    this.#parts = parts;
  }

  /** Offers the tools that were approved before. Connects to nobody yet. */
  async start(): Promise<void> {
    const added = z.array(mcpServerSchema).safeParse((await this.#parts.store.getSetting(ADDED_SETTING)) ?? []);
    for (const setting of this.#parts.config.mcpServers) await this.#open(setting, true);
    for (const setting of added.data ?? []) if (!this.#known.has(setting.name)) await this.#open(setting, false);
  }

  get list(): readonly McpServerView[] {
    return [...this.#known.values()].map(viewOf);
  }

  has(name: string): boolean {
    return this.#known.has(name);
  }

  view(name: string): McpServerView {
    return viewOf(this.#find(name));
  }

  get(name: string): Connector {
    return this.#find(name).connector;
  }

  async add(given: Json, principal: Principal): Promise<McpServerView> {
    const setting = await parse(mcpServerSchema, given, "the MCP server");
    if (this.#known.has(setting.name))
      throw new AppError("conflict", `wanted a new name of an MCP server, got "${setting.name}", which is taken; remove that one first`);
    if (this.#known.size >= SERVERS_MAX)
      throw new AppError("too_large", `wanted at most ${SERVERS_MAX} MCP servers, got more; remove some`);
    return this.#act({ name: "mcp.add", input: { server: setting.name, setting: setting as unknown as Json }, principal }, async () => {
      const known = await this.#open(setting, false);
      await this.#save();
      return viewOf(known);
    });
  }

  async remove(name: string, principal: Principal): Promise<void> {
    const known = this.#find(name);
    if (known.isConfigured)
      throw new AppError(
        "conflict",
        `wanted an MCP server that was added, got "${name}" of the configuration; remove it from mcpServers there`,
      );
    await this.#act({ name: "mcp.remove", input: { server: name }, principal }, async () => {
      this.#known.delete(name);
      this.#parts.doors.revoke(sourceOf(name));
      this.#parts.registry.removeTools(sourceOf(name));
      await known.connector[Symbol.asyncDispose]();
      await removeVolume(jailsDirOf(this.#parts.config), name);
      await this.#save();
      await this.#parts.store.setSetting(pinsSetting(name), null);
      await this.#parts.store.setSetting(loginSetting(name), null);
    });
  }

  /** Connects and reads its list. */
  async test(name: string, signal: AbortSignal): Promise<McpServerView> {
    const known = this.#find(name);
    await known.connector.refresh(signal);
    return viewOf(known);
  }

  /** A person lets tools be used as they are now; until then, and after each change, they cannot be called. */
  async approve(
    name: string,
    chosen: { readonly tools?: readonly string[] | undefined; readonly hashes?: Readonly<Record<string, string>> | undefined },
    principal: Principal,
  ): Promise<McpServerView> {
    const known = this.#find(name);
    if (known.connector.tools.length === 0) await known.connector.refresh(AbortSignal.timeout(known.setting.connectTimeoutMs));
    const hashes = Object.fromEntries(
      known.connector.tools.filter((tool) => chosen.tools?.includes(tool.name) ?? true).map((tool) => [tool.name, tool.hash]),
    );
    await this.#act({ name: "mcp.approve", input: { server: name, tools: hashes }, principal }, () =>
      known.connector.approve(chosen.tools, { principal, hashes: chosen.hashes ?? hashes }),
    );
    return viewOf(known);
  }

  /** Where a person's browser has to go to log in; `undefined` when it is logged in already. */
  async login(name: string, principal: Principal): Promise<URL | undefined> {
    const known = this.#find(name);
    if (known.oauth === undefined)
      throw new AppError("invalid_input", `wanted an MCP server with auth of the type oauth, got "${name}", which has another`);
    return this.#act({ name: "mcp.login", input: { server: name }, principal }, async () => {
      known.loginUrl = undefined;
      await known.connector.refresh(AbortSignal.timeout(known.setting.connectTimeoutMs)).catch((error: unknown) => {
        if (known.loginUrl === undefined) throw error;
      });
      return known.loginUrl;
    });
  }

  /** The browser is back with a code. Its `state` says which login that was; nobody else knows it. */
  async finishLogin(query: URLSearchParams): Promise<string> {
    for (const { setting, oauth, connector } of this.#known.values()) {
      if (oauth === undefined || setting.url === undefined || !(await oauth.isState(query.get("state")))) continue;
      await finishLogin(oauth, { url: setting.url, query });
      await connector.refresh(AbortSignal.timeout(setting.connectTimeoutMs));
      return setting.name;
    }
    throw new AppError("denied", "wanted to come back from a login that is under way, got another; begin one with `tutti mcp login NAME`");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#known.values()].map(({ connector }) => connector[Symbol.asyncDispose]()));
  }

  #find(name: string): Known {
    const known = this.#known.get(name);
    if (known === undefined)
      throw new AppError("not_found", `wanted an MCP server, got "${name.slice(0, 64)}", which is none; \`tutti mcp list\` lists them`);
    return known;
  }

  async #open(setting: McpServerSetting, isConfigured: boolean): Promise<Known> {
    const { config, store, registry, logger, baseDir } = this.#parts;
    const { name } = setting;
    const redirectUrl = `${config.mcp.publicUrl ?? `http://${config.host}:${config.port}`}/mcp/callback`;
    const spec = specOf(setting, { baseDir, jailsDir: jailsDirOf(config), redirectUrl });
    const keeping = {
      load: async () => (await store.getSetting(loginSetting(name))) ?? undefined,
      save: (value: Json) => store.setSetting(loginSetting(name), value),
    };
    const auth = spec.reach.type === "http" && spec.reach.auth.type === "oauth" ? spec.reach.auth : undefined;
    const oauth = auth === undefined ? undefined : new StoredOAuth(auth, keeping, { onLogin: (url) => void (known.loginUrl = url) });
    const connector = new Connector(spec, {
      openJail: (spec, signal) => this.#openJail(setting, spec, signal),
      login: () => {
        if (oauth === undefined) throw new AppError("invalid_config", `the MCP server "${name}" has no login`);
        return oauth;
      },
      onStderr: (text) => logger.debug({ mcpServer: name, text }, "an MCP server wrote on stderr"),
      log: (level, message) => logger[level]({ mcpServer: name }, message),
      loadPins: async () => ((await store.getSetting(pinsSetting(name))) ?? undefined) as Pins | undefined,
      savePins: (pins) => store.setSetting(pinsSetting(name), pins as unknown as Json),
      publish: (tools) => publish(registry, name, tools),
      ask: (call, question, signal) => this.#ask(call, question, signal),
      sample: (call, params, signal) => this.#sample({ call, model: setting.samplingModel ?? "" }, params, signal),
    });
    const known: Known = { setting, isConfigured, connector, oauth, loginUrl: undefined };
    this.#known.set(name, known);
    if (setting.door !== undefined) this.#parts.doors.grant(sourceOf(name), setting.door);
    await connector
      .start()
      .catch((error: unknown) => logger.warn({ mcpServer: name, error }, "the tools of an MCP server cannot be offered"));
    return known;
  }

  /** With a door where the setting names models or tools. The program comes through it as itself, not as whoever called its tool. */
  async #openJail({ name, door }: McpServerSetting, spec: JailSpec, signal: AbortSignal): Promise<Jail> {
    const { sandbox: code, doors } = this.#parts;
    const sandbox = await code.getForJails();
    await makeVolume(spec);
    if (door === undefined) return sandbox.jail(spec, signal);
    return jailWithDoor(await doors.open(sourceOf(name), signal), spec, (whole) => sandbox.jail(whole, signal));
  }

  async #save(): Promise<void> {
    const added = [...this.#known.values()].filter(({ isConfigured }) => !isConfigured).map(({ setting }) => setting);
    await this.#parts.store.setSetting(ADDED_SETTING, added as unknown as Json);
  }

  /** What changes which tools there are is decided and journaled like the enabling of a plugin. */
  async #act<T>({ name, input, principal }: Act, work: () => Promise<T>): Promise<T> {
    const step = { workflow: "tutti.admin", action: "plugin.enable", kind: "step", name, input } as const;
    const recorded = this.#parts.engine.record(step, principal);
    try {
      const result = await work();
      await recorded.complete(input);
      return result;
    } catch (thrown) {
      const { code, message } = AppError.from(thrown);
      await recorded.fail(code, message);
      throw thrown;
    }
  }

  async #ask(call: AskingCall, { message, schema, url }: Question, signal: AbortSignal): Promise<QuestionAnswer> {
    const { server, tool, runId, principal } = call;
    const asking = {
      server,
      tool,
      runId,
      message,
      ...(schema !== undefined && { schema }),
      ...(url !== undefined && { url }),
      timeoutMs: QUESTION_TIMEOUT_MS,
    };
    // It is the server that asks; who may answer is decided when somebody does.
    const asker = { id: sourceOf(server), tenant: principal.tenant, roles: ["owner"] };
    const output = await this.#run(QUESTION_WORKFLOW, asking, { principal: asker, signal });
    return parse(Answer, output, "the answer") as Promise<QuestionAnswer>;
  }

  async #sample(
    { call, model }: { readonly call: AskingCall; readonly model: string },
    { system, messages, tokensMax }: SampleParams,
    signal: AbortSignal,
  ): Promise<{ readonly model: string; readonly text: string }> {
    const { server, tool, runId, principal } = call;
    const input = { server, tool, runId, model, ...(system !== undefined && { system }), messages: messages as unknown as Json, tokensMax };
    const output = await this.#run(SAMPLING_WORKFLOW, input, { principal, signal });
    return output as unknown as { readonly model: string; readonly text: string };
  }

  async #run(
    workflow: string,
    input: Json,
    { principal, signal }: { readonly principal: Principal; readonly signal: AbortSignal },
  ): Promise<Json> {
    const { engine, logger } = this.#parts;
    const { runId } = await engine.start(workflow, input, { principal });
    try {
      return await engine.result(runId, signal);
    } catch (error) {
      // Nobody waits for its answer any more.
      if (signal.aborted)
        await engine
          .cancel(runId, "the call that asked is over", principal)
          .catch((gone: unknown) => logger.debug({ runId, error: gone }, "a question is over already"));
      throw error;
    }
  }
}

function viewOf({ setting, isConfigured, connector }: Known): McpServerView {
  return { ...connector.health, setting, isConfigured, pinned: connector.tools };
}

function publish(registry: Registry, name: string, tools: readonly Tool[]): void {
  registry.removeTools(sourceOf(name));
  if (tools.length > 0) registry.addTools(sourceOf(name), tools);
}

const sourceOf = (name: string): string => `mcp:${name}`;
const pinsSetting = (name: string): string => `mcp.pins.${name}`;
const loginSetting = (name: string): string => `mcp.login.${name}`;
