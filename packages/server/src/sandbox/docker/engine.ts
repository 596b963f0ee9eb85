import type { Duplex, Readable } from "node:stream";
import { AppError } from "@tutti/core";
import { Pool } from "undici";
import { z } from "zod";

/** A container engine (Docker or Podman) behind its unix socket. */
export interface Engine {
  readonly socketPath: string;
  /** Asks for JSON; `undefined` where the engine answers without a body. */
  ask(call: EngineCall, signal: AbortSignal): Promise<unknown>;
  /** Asks for bytes, as they come; who asks reads them to their end or destroys them. */
  stream(call: EngineCall, signal: AbortSignal): Promise<Readable>;
  /** Turns a call into a connection both ways. */
  upgrade(call: EngineCall, signal: AbortSignal): Promise<Duplex>;
  close(): Promise<void>;
}

interface EngineCall {
  readonly method: "GET" | "POST" | "PUT" | "DELETE";
  /** Without a version: the engine then speaks its own newest. */
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | boolean>>;
  readonly body?: { readonly json: unknown } | { readonly tar: Uint8Array };
}

/** What an engine answered that is no success. `status` is that of HTTP. */
export class EngineError extends Error {
  override readonly name = "EngineError";
  readonly status: number;

  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

const CONNECTIONS_MAX = 64;
const ANSWER_BYTES_MAX = 8_388_608;
const errorSchema = z.looseObject({ message: z.string() });

/** Speaks HTTP over a unix socket. Nothing is sent before the first call. */
export function connectEngine(socketPath: string): Engine {
  // A program may say nothing for as long as it may run, so only the caller's signal ends a wait.
  const pool = new Pool("http://engine", { socketPath, connections: CONNECTIONS_MAX, bodyTimeout: 0, headersTimeout: 0 });
  const send = async (call: EngineCall, signal: AbortSignal): Promise<Readable> => {
    const { body } = call;
    const answer = await pool
      .request({
        method: call.method,
        path: pathOf(call),
        headers: body === undefined ? {} : { "content-type": "json" in body ? "application/json" : "application/x-tar" },
        body: body === undefined ? null : "json" in body ? JSON.stringify(body.json) : body.tar,
        signal,
      })
      .catch((cause: unknown) => unreachable(cause, signal));
    if (answer.statusCode < 400) return answer.body;
    const text = await readText(answer.body);
    throw new EngineError(answer.statusCode, messageIn(text));
  };
  const unreachable = (cause: unknown, signal: AbortSignal): never => {
    signal.throwIfAborted();
    throw new AppError("upstream", `wanted an answer of the container engine at ${socketPath}, got ${String(cause)}; is it running?`, {
      cause,
    });
  };
  return {
    socketPath,
    stream: send,
    async ask(call, signal) {
      const text = await readText(await send(call, signal));
      if (text.trim() === "") return undefined;
      try {
        return JSON.parse(text) as unknown;
      } catch (cause) {
        throw new AppError(
          "upstream",
          `wanted JSON from the container engine for ${call.path}, got ${JSON.stringify(text.slice(0, 200))}`,
          { cause },
        );
      }
    },
    async upgrade(call, signal) {
      const options = { method: call.method, path: pathOf(call), protocol: "tcp", signal };
      return (await pool.upgrade(options).catch((cause: unknown) => unreachable(cause, signal))).socket;
    },
    close: () => pool.destroy(),
  };
}

function pathOf({ path, query = {} }: EngineCall): string {
  const search = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) search.set(name, String(value));
  return search.size === 0 ? path : `${path}?${search.toString()}`;
}

async function readText(body: Readable): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of body) {
    const bytes = Buffer.from(chunk as Uint8Array);
    size += bytes.length;
    if (size > ANSWER_BYTES_MAX)
      throw new AppError("upstream", `wanted at most ${ANSWER_BYTES_MAX} bytes from the container engine, got more`);
    chunks.push(bytes);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function messageIn(text: string): string {
  try {
    return errorSchema.parse(JSON.parse(text)).message;
  } catch {
    return text.slice(0, 500);
  }
}
