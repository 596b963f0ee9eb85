import {
  Client,
  SdkError,
  SdkErrorCode,
  UnauthorizedError,
  type CallToolResult,
  type ClientCapabilities,
  type ReadResourceResult,
  type Resource,
  type Tool,
} from "@modelcontextprotocol/client";
import { AppError } from "@tutti/core";
import type { QuestionAnswer, Question, ServerSpec } from "./server-spec.ts";
import { openTransport, type TransportParts } from "./open-transport.ts";

/** What a server may ask of Tutti while it is connected. */
export interface ServerAsks {
  readonly question: (question: Question, signal: AbortSignal) => Promise<QuestionAnswer>;
  /** Left out where it may ask no model. */
  readonly sample?: (params: SampleParams, signal: AbortSignal) => Promise<{ readonly model: string; readonly text: string }>;
  readonly onListChanged: () => void;
  readonly onClosed: () => void;
  readonly onLog: (message: string) => void;
}

/** What a server asks a model. */
export interface SampleParams {
  readonly system?: string | undefined;
  readonly messages: readonly { readonly role: "user" | "assistant"; readonly text: string }[];
  readonly tokensMax: number;
}

/** Tools and resources that one server may list; more is a fault or an attack. */
const LIST_PAGES_MAX = 20;
const LIST_MAX = 1_000;
/** Questions that a server may ask within one call. */
const ROUNDS_MAX = 8;

/** An open way to one server: it has been greeted, in the newest revision that both speak. */
export class Connection implements AsyncDisposable {
  /** The library under it, for what a connection has no word for. */
  readonly client: Client;
  readonly #spec: ServerSpec;

  private constructor(client: Client, spec: ServerSpec) {
    this.client = client;
    this.#spec = spec;
  }

  static async open(
    spec: ServerSpec,
    { asks, parts }: { readonly asks: ServerAsks; readonly parts: TransportParts },
    signal: AbortSignal,
  ): Promise<Connection> {
    const bounded = AbortSignal.any([signal, AbortSignal.timeout(spec.connectTimeoutMs)]);
    const client = createClient(spec, asks);
    const opened = await openTransport(spec, parts, bounded);
    try {
      await client.connect(opened.transport, { signal: bounded, timeout: spec.connectTimeoutMs });
    } catch (error) {
      // Asked before it is closed, which ends it too.
      const ending = bounded.aborted ? undefined : await opened.ending();
      await client.close().catch(() => undefined);
      await opened.transport.close().catch(() => undefined);
      throw connectError(spec, error, ending);
    }
    return new Connection(client, spec);
  }

  get server(): { readonly name: string; readonly version: string; readonly revision: string } {
    const { name = "", version = "" } = this.client.getServerVersion() ?? {};
    return { name, version, revision: this.client.getNegotiatedProtocolVersion() ?? "" };
  }

  async tools(signal: AbortSignal): Promise<readonly Tool[]> {
    if (this.client.getServerCapabilities()?.tools === undefined) return [];
    const { tools } = await this.client.listTools(undefined, { signal, timeout: this.#spec.connectTimeoutMs, cacheMode: "refresh" });
    if (tools.length > LIST_MAX)
      throw new AppError("too_large", `wanted at most ${LIST_MAX} tools of the MCP server "${this.#spec.name}", got ${tools.length}`);
    return tools;
  }

  async resources(signal: AbortSignal): Promise<readonly Resource[]> {
    if (this.client.getServerCapabilities()?.resources === undefined) return [];
    const { resources } = await this.client.listResources(undefined, { signal, timeout: this.#spec.connectTimeoutMs });
    return resources.slice(0, LIST_MAX);
  }

  read(uri: string, signal: AbortSignal): Promise<ReadResourceResult> {
    return this.client.readResource({ uri }, { signal, timeout: this.#spec.callTimeoutMs });
  }

  /** The caller bounds the time: while a person is asked, a call may take long. */
  call(
    tool: string,
    args: Readonly<Record<string, unknown>>,
    options: {
      readonly signal: AbortSignal;
      readonly timeoutMs: number;
      readonly onProgress: (progress: {
        readonly progress: number;
        readonly total?: number | undefined;
        readonly message?: string | undefined;
      }) => void;
    },
  ): Promise<CallToolResult> {
    return this.client.callTool(
      { name: tool, arguments: { ...args } },
      { signal: options.signal, timeout: options.timeoutMs, onprogress: options.onProgress },
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // One that is gone already needs no goodbye.
    await this.client.close().catch(() => undefined);
  }
}

function createClient(spec: ServerSpec, asks: ServerAsks): Client {
  const { sample } = asks;
  const capabilities: ClientCapabilities = {
    elicitation: { form: { applyDefaults: true }, url: {} },
    ...(spec.roots.length > 0 && { roots: {} }),
    ...(sample !== undefined && { sampling: {} }),
  };
  const client = new Client(
    { name: "tutti", version: "1" },
    {
      capabilities,
      versionNegotiation: { mode: "auto", probe: { timeoutMs: Math.ceil(spec.connectTimeoutMs / 3) } },
      listMaxPages: LIST_PAGES_MAX,
      inputRequired: { maxRounds: ROUNDS_MAX },
    },
  );
  client.setRequestHandler("elicitation/create", async ({ params }, { mcpReq }) => {
    const question =
      "url" in params
        ? { message: params.message, url: params.url }
        : { message: params.message, schema: JSON.parse(JSON.stringify(params.requestedSchema)) };
    return { ...(await asks.question(question, mcpReq.signal)) };
  });
  if (spec.roots.length > 0)
    client.setRequestHandler("roots/list", () => ({
      roots: spec.roots.map((path) => ({ uri: new URL(`file://${path}`).href, name: path })),
    }));
  if (sample !== undefined)
    client.setRequestHandler("sampling/createMessage", async ({ params }, { mcpReq }) => {
      const messages = params.messages.map(({ role, content }) => ({ role, text: textOf(content) }));
      const { model, text } = await sample({ system: params.systemPrompt, messages, tokensMax: params.maxTokens }, mcpReq.signal);
      return { model, role: "assistant" as const, content: { type: "text" as const, text }, stopReason: "endTurn" };
    });
  client.setNotificationHandler("notifications/tools/list_changed", () => asks.onListChanged());
  client.setNotificationHandler("notifications/message", ({ params }) => asks.onLog(JSON.stringify(params.data).slice(0, 2_000)));
  client.onclose = asks.onClosed;
  client.onerror = (error) => asks.onLog(error.message.slice(0, 2_000));
  return client;
}

function textOf(content: unknown): string {
  const blocks: readonly unknown[] = Array.isArray(content) ? content : [content];
  return blocks
    .map((block) => (typeof block === "object" && block !== null && "text" in block && typeof block.text === "string" ? block.text : ""))
    .join("\n");
}

function connectError({ name, connectTimeoutMs }: ServerSpec, error: unknown, ending: string | undefined): AppError {
  if (ending !== undefined)
    return new AppError("upstream", `the MCP server "${name}" did not answer: its program ${ending}`, { cause: error });
  if (error instanceof AppError) return error;
  if (error instanceof UnauthorizedError)
    return new AppError("unauthorized", `the MCP server "${name}" wants a login; \`tutti mcp login ${name}\` makes one`, { cause: error });
  const why = error instanceof Error ? error.message : String(error);
  const isTooLate = error instanceof SdkError && error.code === SdkErrorCode.RequestTimeout;
  const within = isTooLate || (error instanceof Error && error.name === "TimeoutError") ? ` within ${connectTimeoutMs} ms` : "";
  return new AppError("upstream", `the MCP server "${name}" was not reached${within}: ${why}`, { cause: error });
}
