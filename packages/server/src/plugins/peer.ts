import type { Duplex } from "node:stream";
import { AppError, type Json } from "@tutti/core";
import { readLines } from "./lines.ts";
import { MESSAGE_BYTES_MAX } from "./protocol.ts";

/** Requests of the other side that are worked on at once; more are refused. */
const SERVED_MAX = 64;
/** Requests to the other side at once. */
const ASKED_MAX = 256;
/** Answers that nobody waits for any more are remembered up to here; an answer to anything else is a breach. */
const ABANDONED_MAX = 1_000;
/** What a paced side may send on average and at once: a thousand small messages or two large ones a second. */
const PACE = { bytesPerSecond: 2 * MESSAGE_BYTES_MAX, burstBytes: 8 * MESSAGE_BYTES_MAX, lineBytes: 2_048 };

/** What a side does. A handler's result is the answer, what it throws the error; notices are told and not answered. */
export interface PeerOptions {
  readonly handle: (method: string, params: Json, signal: AbortSignal) => Promise<Json | void>;
  readonly notice: (method: string, params: Json) => void;
  /** The other side broke the protocol; nothing more is read. */
  readonly broken: (reason: string) => void;
  /** Whether the other side is held to a pace. */
  readonly isPaced: boolean;
}

interface Asked {
  readonly settled: PromiseWithResolvers<Json>;
  readonly forget: () => void;
}

type Message = {
  readonly id?: number;
  readonly method?: string;
  readonly params?: Json;
  readonly result?: Json;
  readonly error?: { readonly message: string; readonly data?: { readonly code?: string } };
};

/** One side of JSON-RPC 2.0 over lines, the same for Tutti and for a plugin's process. A request is cancelled by the notice `$/cancel`. */
export class Peer {
  readonly #stream: Duplex;
  readonly #options: PeerOptions;
  readonly #asked = new Map<number, Asked>();
  readonly #abandoned = new Set<number>();
  readonly #served = new Map<number, AbortController>();
  #lastId = 0;
  #closed: AppError | undefined;

  constructor(stream: Duplex, options: PeerOptions) {
    this.#stream = stream;
    this.#options = options;
    readLines(stream, {
      lineBytesMax: MESSAGE_BYTES_MAX,
      ...(options.isPaced && { pace: PACE }),
      line: (text) => this.#take(text),
      tooLong: () => this.#break(`a message of more than ${MESSAGE_BYTES_MAX} bytes`),
    });
    // A process that is gone is told by its exit.
    stream.on("error", () => undefined);
  }

  /** How many requests were given up and are still not answered. */
  get abandoned(): number {
    return this.#abandoned.size;
  }

  /** Asks the other side. When `signal` aborts it is told, and nobody waits any longer. */
  ask(method: string, params: unknown, signal: AbortSignal): Promise<Json> {
    if (this.#closed !== undefined) return Promise.reject(this.#closed);
    if (signal.aborted) return Promise.reject(AppError.from(signal.reason));
    if (this.#asked.size >= ASKED_MAX)
      return Promise.reject(new AppError("overloaded", `wanted at most ${ASKED_MAX} requests at once, got one more; try again later`));
    const id = (this.#lastId += 1);
    const settled = Promise.withResolvers<Json>();
    const stop = (): void => {
      this.#asked.delete(id);
      if (this.#abandoned.size < ABANDONED_MAX) this.#abandoned.add(id);
      this.notify("$/cancel", { id });
      settled.reject(AppError.from(signal.reason));
    };
    try {
      this.#send({ id, method, params: params as Json });
    } catch (error) {
      return Promise.reject(error);
    }
    signal.addEventListener("abort", stop, { once: true });
    this.#asked.set(id, { settled, forget: () => signal.removeEventListener("abort", stop) });
    return settled.promise;
  }

  /** Tells the other side; what does not fit a message is left out. */
  notify(method: string, params: unknown): void {
    try {
      this.#send({ method, params: params as Json });
    } catch {
      // A notice that cannot be sent is no reason to fail.
    }
  }

  /** Nothing is sent or read any more; whoever waits gets `reason`. */
  close(reason: AppError): void {
    if (this.#closed !== undefined) return;
    this.#closed = reason;
    for (const { settled, forget } of this.#asked.values()) {
      forget();
      settled.reject(reason);
    }
    this.#asked.clear();
    for (const controller of this.#served.values()) controller.abort(reason);
    this.#stream.destroy();
  }

  #send(message: Message): void {
    if (this.#closed !== undefined) return;
    const line = `${JSON.stringify({ jsonrpc: "2.0", ...message })}\n`;
    if (line.length > MESSAGE_BYTES_MAX || Buffer.byteLength(line) > MESSAGE_BYTES_MAX)
      throw new AppError("too_large", `wanted a message of at most ${MESSAGE_BYTES_MAX} bytes, got ${line.length} characters; send less`);
    this.#stream.write(line);
  }

  #break(reason: string): void {
    if (this.#closed !== undefined) return;
    this.close(new AppError("upstream", `the channel was broken: ${reason}`));
    this.#options.broken(reason);
  }

  #take(text: string): void {
    if (this.#closed !== undefined) return;
    const message = readMessage(text);
    if (message === undefined) this.#break(`a line that is no JSON-RPC: ${JSON.stringify(text.slice(0, 60))}`);
    else if (message.method === undefined) this.#answered(message);
    else if (message.id === undefined) this.#noticed(message.method, message.params ?? null);
    // It never rejects: whatever goes wrong is the answer.
    else void this.#serve(message.id, message.method, message.params ?? null);
  }

  #answered({ id = 0, result = null, error }: Message): void {
    if (this.#abandoned.delete(id)) return;
    const asked = this.#asked.get(id);
    if (asked === undefined) {
      // What was abandoned beyond the bound is not told apart from what was never asked.
      if (id < 1 || id > this.#lastId) this.#break("an answer to nothing");
      return;
    }
    this.#asked.delete(id);
    asked.forget();
    if (error === undefined) asked.settled.resolve(result);
    else asked.settled.reject(AppError.revive(error.data?.code ?? "internal", error.message));
  }

  #noticed(method: string, params: Json): void {
    if (method !== "$/cancel") {
      this.#options.notice(method, params);
      return;
    }
    const id = Number((params as { readonly id?: Json } | null)?.id);
    this.#served.get(id)?.abort(new AppError("cancelled", "the caller no longer waits"));
  }

  async #serve(id: number, method: string, params: Json): Promise<void> {
    if (this.#served.has(id)) return this.#break("the same request id twice at once");
    const controller = new AbortController();
    const isFull = this.#served.size >= SERVED_MAX;
    if (!isFull) this.#served.set(id, controller);
    try {
      if (isFull) throw new AppError("overloaded", `wanted at most ${SERVED_MAX} requests at once, got one more; await some first`);
      this.#send({ id, result: (await this.#options.handle(method, params, controller.signal)) ?? null });
    } catch (thrown) {
      this.#send({ id, error: errorOf(thrown) });
    } finally {
      this.#served.delete(id);
    }
  }
}

const MESSAGE_CHARACTERS_MAX = 2_000;

function errorOf(thrown: unknown): NonNullable<Message["error"]> & { readonly code: number } {
  const { code, message } = AppError.from(thrown);
  return { code: -32_000, message: message.slice(0, MESSAGE_CHARACTERS_MAX), data: { code } };
}

function readMessage(text: string): Message | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
    const { id, method, params, result, error } = value as Readonly<Record<string, unknown>>;
    if (id !== undefined && !Number.isSafeInteger(id)) return undefined;
    if (method === undefined && id === undefined) return undefined;
    if (method !== undefined && typeof method !== "string") return undefined;
    return { id, method, params, result, ...(error !== undefined && { error: errorIn(error) }) } as Message;
  } catch {
    return undefined;
  }
}

function errorIn(error: unknown): NonNullable<Message["error"]> {
  const { message, data } = (typeof error === "object" && error !== null ? error : {}) as Readonly<Record<string, unknown>>;
  const code = typeof data === "object" && data !== null && "code" in data ? String(data.code) : "internal";
  return { message: typeof message === "string" ? message.slice(0, MESSAGE_CHARACTERS_MAX) : "an error without a message", data: { code } };
}
