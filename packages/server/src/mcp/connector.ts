import { AppError, type Json, type Tool } from "@tutti/core";
import { ActiveCalls, type ActiveCall } from "./active-calls.ts";
import { CallClock } from "./call-clock.ts";
import { Connection, type SampleParams } from "./connection.ts";
import { contentsOf, outputOf } from "./foreign-result.ts";
import { foreignTool } from "./foreign-tool.ts";
import { Guard } from "./guard.ts";
import type { TransportParts } from "./open-transport.ts";
import { pinnedPart, type PinnedTool } from "./pins.ts";
import type { AskingCall, Question, QuestionAnswer, ServerSpec } from "./server-spec.ts";
import { ToolList, type Approving, type PinKeeping } from "./tool-list.ts";

/** What a connector needs of the host. */
export interface ConnectorParts extends TransportParts, PinKeeping {
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

/** However often a server says that its list changed, it is read at most once in this time. */
/** How long a program may take to say what it offers, when it is asked whether it still lives. */
const SIGN_OF_LIFE_MS = 2_000;
const REFRESH_EVERY_MS = 1_000;
/** A person may take their time; nobody takes longer. */
const QUESTION_MAX_MS = 3_600_000;

/**
 * One server: connected when it is needed, left when nobody needs it, called no faster and no more at once than it may be, and left alone for
 * a while when it fails. Only tools that a person approved, as they were then, can be called.
 */
export class Connector implements AsyncDisposable {
  readonly spec: ServerSpec;
  readonly #parts: ConnectorParts;
  readonly #guard: Guard;
  readonly #list: ToolList;
  readonly #active = new ActiveCalls();
  readonly #closed = new AbortController();
  #connection: Promise<Connection> | undefined;
  #server: ConnectorHealth["server"];
  #idleTimer: NodeJS.Timeout | undefined;
  #refreshTimer: NodeJS.Timeout | undefined;

  constructor(spec: ServerSpec, parts: ConnectorParts) {
    this.spec = spec;
    this.#parts = parts;
    this.#guard = new Guard(spec);
    this.#list = new ToolList(spec.name, parts);
  }

  /** Offers what was approved before, without asking the server: it is asked when somebody calls. */
  async start(): Promise<void> {
    await this.#list.load();
    this.#publish();
  }

  get health(): ConnectorHealth {
    const { name, reach } = this.spec;
    const counts = this.#guard.counts;
    const waiting = this.tools.filter(({ state }) => state === "new" || state === "changed").length;
    return {
      name,
      transport: reach.type,
      state: counts.reason !== undefined ? "down" : this.#connection === undefined ? "idle" : "connected",
      ...(this.#server !== undefined && { server: this.#server }),
      tools: { approved: this.#list.approved.length, waiting },
      ...counts,
    };
  }

  /** What the server lists, beside what was approved. */
  get tools(): readonly PinnedTool[] {
    return this.#list.all;
  }

  /** Connects, if need be, and reads the list anew. */
  async refresh(signal: AbortSignal): Promise<readonly PinnedTool[]> {
    const connection = await this.#connect(signal);
    await this.#readTools(connection, signal);
    return this.tools;
  }

  /** Approves tools as they are listed now, all or those named. */
  async approve(names: readonly string[] | undefined, by: Approving): Promise<readonly PinnedTool[]> {
    await this.#list.approve(names, by);
    this.#publish();
    return this.tools;
  }

  async resources(signal: AbortSignal): Promise<Json> {
    const resources = await this.#within(signal, (connection) => connection.resources(signal));
    return JSON.parse(JSON.stringify(resources)) as Json;
  }

  async read(uri: string, signal: AbortSignal): Promise<Json> {
    return contentsOf(await this.#within(signal, (connection) => connection.read(uri, signal)));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed.abort(new AppError("cancelled", `the MCP server "${this.spec.name}" is let go`));
    clearTimeout(this.#idleTimer);
    clearTimeout(this.#refreshTimer);
    await this.#disconnect();
  }

  #publish(): void {
    const allowed = this.#list.approved.filter(({ name }) => this.spec.tools?.includes(name) ?? true);
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
    const clock = new CallClock(
      this.spec.callTimeoutMs,
      `wanted an answer of "${name}" of the MCP server "${this.spec.name}" within ${this.spec.callTimeoutMs} ms, got none`,
    );
    const active: ActiveCall = {
      server: this.spec.name,
      tool: name,
      runId: context.idempotencyKey.split("/")[0] ?? "",
      principal: context.principal,
      clock,
    };
    const signal = AbortSignal.any([context.signal, clock.signal]);
    const answer = this.#within(signal, (connection) => {
      this.#list.requireApproved(name);
      return this.#active.during(active, () =>
        connection.call(name, input as Readonly<Record<string, unknown>>, {
          signal,
          timeoutMs: QUESTION_MAX_MS,
          onProgress: (progress) => {
            clock.restart();
            context.progress?.({ ...progress } as Json);
          },
        }),
      );
    });
    answer.catch(() => {
      if (clock.signal.aborted) void this.#endIfHung();
    });
    return outputOf(await answer, { tool: name, hasSchema });
  }

  /** A program that answers nothing any more, not even what it offers, is ended; the next call starts it anew. */
  async #endIfHung(): Promise<void> {
    const opened = this.#connection;
    const connection = await opened?.catch(() => undefined);
    if (connection === undefined || this.spec.reach.type !== "stdio") return;
    const lives = await connection.tools(AbortSignal.timeout(SIGN_OF_LIFE_MS)).then(
      () => true,
      () => false,
    );
    if (lives || this.#connection !== opened) return;
    this.#parts.log("warn", `it answers nothing within ${SIGN_OF_LIFE_MS} ms after a call that took too long, and is ended`);
    await this.#disconnect();
  }

  /** Does one thing with the server, connected and within its bounds. */
  async #within<T>(signal: AbortSignal, work: (connection: Connection) => Promise<T>): Promise<T> {
    try {
      return await this.#guard.within(signal, async () => work(await this.#connect(signal)));
    } finally {
      this.#rest();
    }
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
    if (spec.reach.type === "stdio") this.#guard.starting();
    const connection = await Connection.open(
      spec,
      {
        parts,
        asks: {
          question: (question, signal) => this.#answer(question, signal),
          ...(spec.canSample && { sample: (params, signal) => parts.sample(this.#active.asking(), params, signal) }),
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
    this.#guard.isWell();
    return connection;
  }

  async #readTools(connection: Connection, signal: AbortSignal): Promise<void> {
    const isDifferent = await this.#list.take((await connection.tools(signal)).map(pinnedPart));
    const changed = this.tools.filter(({ state }) => state === "changed").map(({ name }) => name);
    if (changed.length > 0) this.#parts.log("warn", `tools changed since they were approved, and are disabled: ${changed.join(", ")}`);
    if (isDifferent) this.#publish();
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
    const call = this.#active.asking();
    call.clock.pause();
    try {
      return await this.#parts.ask(call, question, AbortSignal.any([signal, AbortSignal.timeout(QUESTION_MAX_MS)]));
    } finally {
      call.clock.resume();
    }
  }

  #rest(): void {
    if (this.#guard.isBusy) return;
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

/** A promise that others share, left when the signal aborts. */
function aborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  const left = Promise.withResolvers<never>();
  const leave = (): void => left.reject(signal.reason);
  if (signal.aborted) leave();
  signal.addEventListener("abort", leave, { once: true });
  return Promise.race([promise, left.promise]).finally(() => signal.removeEventListener("abort", leave));
}
