import { AppError, type Json, type Principal, type Tool } from "@tutti/core";
import { CircuitBreaker, TokenBucket } from "@tutti/core/resilience";
import { Connection, type SampleParams } from "./connection.ts";
import { contentsOf, outputOf } from "./foreign-result.ts";
import { foreignTool } from "./foreign-tool.ts";
import type { TransportParts } from "./open-transport.ts";
import { comparePins, nameOf, pinnedPart, pinOf, type PinnedTool, type Pins } from "./pins.ts";
import { Places } from "./places.ts";
import type { AskingCall, Question, QuestionAnswer, ServerSpec } from "./server-spec.ts";

/** What a connector needs of the host. */
export interface ConnectorParts extends TransportParts {
  readonly loadPins: () => Promise<Pins | undefined>;
  readonly savePins: (pins: Pins) => Promise<void>;
  /** Takes the tools that may be called now in place of those before. */
  readonly publish: (tools: readonly Tool[]) => void;
  readonly ask: (call: AskingCall, question: Question, signal: AbortSignal) => Promise<QuestionAnswer>;
  readonly sample: (
    call: AskingCall,
    params: SampleParams,
    signal: AbortSignal,
  ) => Promise<{ readonly model: string; readonly text: string }>;
  readonly log: (level: "debug" | "info" | "warn", message: string) => void;
}

/** How a connector is. */
export interface ConnectorHealth {
  readonly name: string;
  readonly transport: "stdio" | "http";
  readonly state: "idle" | "connected" | "down";
  readonly server?: { readonly name: string; readonly version: string; readonly revision: string };
  readonly tools: { readonly approved: number; readonly waiting: number };
  readonly calls: number;
  readonly failures: number;
  readonly reason?: string;
}

const BREAKER = { failuresMax: 3, openMs: 10_000 };
const WAITING_PER_PLACE_MAX = 8;
/** However often a server says that its list changed, it is read at most once in this time. */
const REFRESH_EVERY_MS = 1_000;
/** A person may take their time; nobody takes longer. */
const QUESTION_MAX_MS = 3_600_000;

interface ActiveCall extends AskingCall {
  /** Stops and starts the clock of the call: the time in which a person thinks is not the server's. */
  readonly pause: () => void;
  readonly resume: () => void;
}

/**
 * One server: connected when it is needed, left when nobody needs it, called no faster and no more at once than it may be, and left alone for
 * a while when it fails. Only tools that a person approved, as they were then, can be called.
 */
export class Connector implements AsyncDisposable {
  readonly spec: ServerSpec;
  readonly #parts: ConnectorParts;
  readonly #breaker = new CircuitBreaker(BREAKER);
  readonly #rate: TokenBucket;
  readonly #places: Places;
  readonly #active = new Set<ActiveCall>();
  readonly #closed = new AbortController();
  #connection: Promise<Connection> | undefined;
  #server: ConnectorHealth["server"];
  #tools: readonly PinnedTool[] = [];
  #idleTimer: NodeJS.Timeout | undefined;
  #refreshTimer: NodeJS.Timeout | undefined;
  #calls = 0;
  #failures = 0;
  #reason: string | undefined;

  constructor(spec: ServerSpec, parts: ConnectorParts) {
    this.spec = spec;
    this.#parts = parts;
    this.#rate = new TokenBucket({ perSecond: spec.requestsPerSecond, burst: Math.max(1, spec.requestsPerSecond) }, performance.now());
    this.#places = new Places(spec.parallelMax, spec.parallelMax * WAITING_PER_PLACE_MAX);
  }

  /** Offers what was approved before, without asking the server: it is asked when somebody calls. */
  async start(): Promise<void> {
    const pins = await this.#parts.loadPins();
    this.#tools = comparePins(
      Object.values(pins?.tools ?? {}).map(({ tool }) => tool),
      pins,
    );
    this.#publish();
  }

  get health(): ConnectorHealth {
    const { name, reach } = this.spec;
    const approved = this.#tools.filter(({ state }) => state === "approved").length;
    return {
      name,
      transport: reach.type,
      state: this.#reason !== undefined ? "down" : this.#connection === undefined ? "idle" : "connected",
      ...(this.#server !== undefined && { server: this.#server }),
      tools: { approved, waiting: this.#tools.filter(({ state }) => state === "new" || state === "changed").length },
      calls: this.#calls,
      failures: this.#failures,
      ...(this.#reason !== undefined && { reason: this.#reason }),
    };
  }

  /** What the server lists, beside what was approved. */
  get tools(): readonly PinnedTool[] {
    return this.#tools;
  }

  /** Connects, if need be, and reads the list anew. */
  async refresh(signal: AbortSignal): Promise<readonly PinnedTool[]> {
    const connection = await this.#connect(signal);
    await this.#readTools(connection, signal);
    return this.#tools;
  }

  /** Approves tools as they are listed now, all or those named; a hash of what was seen guards against a change in between. */
  async approve(
    names: readonly string[] | undefined,
    by: { readonly principal: Principal; readonly hashes?: Readonly<Record<string, string>> | undefined },
  ): Promise<readonly PinnedTool[]> {
    const chosen = this.#tools.filter(({ name, state }) => state !== "gone" && (names === undefined || names.includes(name)));
    const unknown = names?.find((name) => chosen.every((tool) => tool.name !== name));
    if (unknown !== undefined)
      throw new AppError(
        "not_found",
        `wanted a tool of the MCP server "${this.spec.name}", got "${unknown}", which it does not list; \`tutti mcp show ${this.spec.name}\` lists them`,
      );
    const moved = chosen.find(({ name, hash }) => by.hashes?.[name] !== undefined && by.hashes[name] !== hash);
    if (moved !== undefined)
      throw new AppError("conflict", `wanted to approve "${moved.name}" as it was shown, got one that changed since; look at it again`);
    const before = (await this.#parts.loadPins())?.tools ?? {};
    const approved = Object.fromEntries(chosen.map(({ name, tool }) => [name, pinOf(tool)]));
    const pins = { tools: { ...before, ...approved }, approvedBy: by.principal.id, approvedAt: new Date().toISOString() };
    await this.#parts.savePins(pins);
    this.#tools = comparePins(this.#listed(), pins);
    this.#publish();
    return this.#tools;
  }

  async resources(signal: AbortSignal): Promise<Json> {
    const resources = await this.#guarded(signal, (connection) => connection.resources(signal));
    return JSON.parse(JSON.stringify(resources)) as Json;
  }

  async read(uri: string, signal: AbortSignal): Promise<Json> {
    return contentsOf(await this.#guarded(signal, (connection) => connection.read(uri, signal)));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed.abort(new AppError("cancelled", `the MCP server "${this.spec.name}" is let go`));
    clearTimeout(this.#idleTimer);
    clearTimeout(this.#refreshTimer);
    await this.#disconnect();
  }

  #listed(): readonly Json[] {
    return this.#tools.filter(({ state }) => state !== "gone").map(({ tool }) => tool);
  }

  #publish(): void {
    const approved = this.#tools.filter(({ state }) => state === "approved");
    const allowed = approved.filter(({ name }) => this.spec.tools?.includes(name) ?? true);
    this.#parts.publish(
      allowed.map(({ name, tool }) =>
        foreignTool(tool, {
          spec: this.spec,
          maxMs: QUESTION_MAX_MS,
          call: (input, context) => this.#call({ name, tool, input }, context),
        }),
      ),
    );
  }

  async #call(
    { name, tool, input }: { readonly name: string; readonly tool: Json; readonly input: Json },
    context: Parameters<Tool["run"]>[1],
  ): Promise<Json> {
    const hasSchema = typeof tool === "object" && tool !== null && "outputSchema" in tool;
    const watch = new Watch(
      this.spec.callTimeoutMs,
      `wanted an answer of "${name}" of the MCP server "${this.spec.name}" within ${this.spec.callTimeoutMs} ms, got none`,
    );
    const active: ActiveCall = {
      server: this.spec.name,
      tool: name,
      runId: context.idempotencyKey.split("/")[0] ?? "",
      principal: context.principal,
      pause: () => watch.pause(),
      resume: () => watch.resume(),
    };
    const signal = AbortSignal.any([context.signal, watch.signal]);
    const result = await this.#guarded(signal, async (connection) => {
      this.#requireApproved(name);
      this.#active.add(active);
      watch.resume();
      try {
        return await connection.call(name, input as Readonly<Record<string, unknown>>, {
          signal,
          timeoutMs: QUESTION_MAX_MS,
          onProgress: (progress) => {
            watch.restart();
            context.progress?.({ ...progress } as Json);
          },
        });
      } catch (error) {
        throw watch.signal.aborted ? watch.signal.reason : error;
      } finally {
        watch.pause();
        this.#active.delete(active);
      }
    });
    return outputOf(result, { tool: name, hasSchema });
  }

  /** Changed since it was approved means disabled, also when the change came a moment ago. */
  #requireApproved(name: string): void {
    const state = this.#tools.find((tool) => tool.name === name)?.state ?? "gone";
    if (state !== "approved")
      throw new AppError(
        "denied",
        `the tool "${name}" of the MCP server "${this.spec.name}" is ${state} since it was approved; see \`tutti mcp show ${this.spec.name}\`, then \`tutti mcp approve ${this.spec.name} ${name}\``,
      );
  }

  /** Does one thing with the server: within its rate, its places and its breaker. */
  async #guarded<T>(signal: AbortSignal, work: (connection: Connection) => Promise<T>): Promise<T> {
    const { name } = this.spec;
    if (!this.#breaker.allows(performance.now()))
      throw new AppError(
        "overloaded",
        `the MCP server "${name}" is left alone for up to ${BREAKER.openMs} ms because it failed: ${this.#reason ?? "it did not answer"}`,
      );
    const waitMs = this.#rate.take(performance.now());
    if (waitMs > 0)
      throw new AppError(
        "rate_limited",
        `wanted at most ${this.spec.requestsPerSecond} calls a second of the MCP server "${name}", got more; raise requestsPerSecond if it can take them`,
      );
    await this.#places.take(signal);
    this.#calls += 1;
    try {
      const result = await work(await this.#connect(signal));
      this.#breaker.succeeded();
      this.#reason = undefined;
      return result;
    } catch (thrown) {
      throw this.#failed(thrown, signal);
    } finally {
      this.#places.give();
      this.#rest();
    }
  }

  /** Only what says that the server is in trouble counts against it. */
  #failed(thrown: unknown, signal: AbortSignal): AppError {
    const error = asAppError(this.spec.name, thrown);
    const isOurs = signal.aborted && error.code !== "timeout";
    if (isOurs || !["upstream", "timeout", "too_large", "unauthorized", "unsupported"].includes(error.code)) return error;
    this.#failures += 1;
    this.#reason = error.message;
    this.#breaker.failed(performance.now());
    return error;
  }

  #connect(signal: AbortSignal): Promise<Connection> {
    clearTimeout(this.#idleTimer);
    this.#connection ??= this.#open().catch((error: unknown) => {
      this.#connection = undefined;
      throw error;
    });
    return aborted(this.#connection, signal);
  }

  async #open(): Promise<Connection> {
    const { parts, spec } = { parts: this.#parts, spec: this.spec };
    const connection = await Connection.open(
      spec,
      {
        parts,
        asks: {
          question: (question, signal) => this.#answer(question, signal),
          ...(spec.canSample && { sample: (params, signal) => parts.sample(this.#asking(), params, signal) }),
          onListChanged: () => this.#refreshSoon(),
          onClosed: () => (this.#connection = undefined),
          onLog: (message) => parts.log("debug", message),
        },
      },
      this.#closed.signal,
    );
    this.#server = connection.server;
    try {
      await this.#readTools(connection, this.#closed.signal);
    } catch (error) {
      await connection[Symbol.asyncDispose]();
      throw error;
    }
    this.#reason = undefined;
    return connection;
  }

  async #readTools(connection: Connection, signal: AbortSignal): Promise<void> {
    const listed = (await connection.tools(signal)).map(pinnedPart);
    const before = JSON.stringify(this.#tools);
    this.#tools = comparePins(uniqueByName(listed), await this.#parts.loadPins());
    const changed = this.#tools.filter(({ state }) => state === "changed").map(({ name }) => name);
    if (changed.length > 0) this.#parts.log("warn", `tools changed since they were approved, and are disabled: ${changed.join(", ")}`);
    if (JSON.stringify(this.#tools) !== before) this.#publish();
  }

  #refreshSoon(): void {
    this.#refreshTimer ??= setTimeout(() => {
      this.#refreshTimer = undefined;
      this.refresh(this.#closed.signal).catch((error: unknown) => this.#parts.log("warn", `its list could not be read: ${String(error)}`));
    }, REFRESH_EVERY_MS);
    this.#refreshTimer.unref();
  }

  /** Asks a person, while the clock of the call stands still. */
  async #answer(question: Question, signal: AbortSignal): Promise<QuestionAnswer> {
    const call = this.#asking();
    call.pause();
    try {
      return await this.#parts.ask(call, question, AbortSignal.any([signal, AbortSignal.timeout(QUESTION_MAX_MS)]));
    } finally {
      call.resume();
    }
  }

  /** Whose call a server asks about. The protocol does not say; where calls of several principals are under way, nobody is asked in another's name. */
  #asking(): ActiveCall {
    const [first, ...others] = this.#active;
    if (first !== undefined && others.every(({ principal }) => principal.id === first.principal.id)) return first;
    throw new AppError(
      "denied",
      "wanted a question about a call that is under way, got one about none, or about calls of several principals",
    );
  }

  #rest(): void {
    if (this.#places.taken > 0) return;
    clearTimeout(this.#idleTimer);
    this.#idleTimer = setTimeout(() => void this.#disconnect(), this.spec.idleTimeoutMs);
    this.#idleTimer.unref();
  }

  async #disconnect(): Promise<void> {
    const connection = this.#connection;
    this.#connection = undefined;
    // One that never opened has told its caller why.
    await (await connection?.catch(() => undefined))?.[Symbol.asyncDispose]();
  }
}

/** The time that a server has for one call; progress starts it anew. */
class Watch {
  readonly #over = new AbortController();
  readonly #timeoutMs: number;
  readonly #error: AppError;
  #timer: NodeJS.Timeout | undefined;

  constructor(timeoutMs: number, message: string) {
    this.#timeoutMs = timeoutMs;
    this.#error = new AppError("timeout", message);
  }

  get signal(): AbortSignal {
    return this.#over.signal;
  }

  pause(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  resume(): void {
    this.#timer ??= setTimeout(() => this.#over.abort(this.#error), this.#timeoutMs);
  }

  restart(): void {
    if (this.#timer === undefined) return;
    this.pause();
    this.resume();
  }
}

/** Of two tools with one name, a person would approve one and a model be given the other: the first counts. */
function uniqueByName(tools: readonly Json[]): readonly Json[] {
  return [...new Map(tools.toReversed().map((tool) => [nameOf(tool), tool])).values()].toReversed();
}

function asAppError(name: string, thrown: unknown): AppError {
  if (thrown instanceof AppError) return thrown;
  const message = thrown instanceof Error ? thrown.message : String(thrown);
  return new AppError("upstream", `the MCP server "${name}" failed: ${message}`, { cause: thrown });
}

/** A promise that others share, left when the signal aborts. */
function aborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  const left = Promise.withResolvers<never>();
  const leave = (): void => left.reject(signal.reason);
  if (signal.aborted) leave();
  signal.addEventListener("abort", leave, { once: true });
  return Promise.race([promise, left.promise]).finally(() => signal.removeEventListener("abort", leave));
}
