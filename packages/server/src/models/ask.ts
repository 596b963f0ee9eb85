import { AppError } from "@tutti/core";
import type { ModelPart } from "@tutti/core/model";
import type { Dispatcher } from "undici";
import { answerError, cancellation, transportError } from "./upstream-error.ts";
import type { Upstream } from "./upstream.ts";

/** The most bytes of an answer; a model that never stops would fill the memory of whoever collects it. */
const ANSWER_BYTES_MAX = 64 * 1024 * 1024;
/** How much of a refusal is read. */
const REFUSAL_CHARS_MAX = 65_536;
/** What may follow the end of an answer before its connection is given up. */
const REST_BYTES_MAX = 4_096;
const REST_MS = 250;

type Body = Dispatcher.ResponseData["body"];

/** A call whose body and answer are of a provider's own format. `headers` come beside the provider's own, as names and values in turn. */
export interface Asked {
  readonly path: string;
  readonly method?: "GET" | "POST" | "DELETE";
  readonly headers?: readonly string[];
  /** Sent as JSON, bytes as they are. */
  readonly body?: unknown;
}

/** Asks for a streamed answer and reads it with `decode`, the provider's format. Refusals and broken answers throw. */
export async function* ask<T = ModelPart>(
  upstream: Upstream,
  asked: Asked & { readonly decode: (chunks: AsyncIterable<Uint8Array>) => AsyncIterable<T> },
  signal: AbortSignal,
): AsyncGenerator<T, void, undefined> {
  const call = await Call.send(upstream, asked, { accept: "text/event-stream", signal });
  try {
    yield* asked.decode(bytesOf(call.answer.body, signal));
  } catch (thrown) {
    throw call.failed(thrown);
  } finally {
    call.end();
  }
}

/** Asks for an answer in one piece of JSON. */
export async function askJson(upstream: Upstream, asked: Asked, signal: AbortSignal): Promise<unknown> {
  const { bytes } = await askBytes(upstream, asked, signal);
  try {
    return JSON.parse(bytes.toString("utf8"));
  } catch (error) {
    throw new AppError("upstream", `wanted JSON from the provider "${upstream.provider.name}", got something else`, { cause: error });
  }
}

/** Asks for an answer in one piece, whatever it is. */
export async function askBytes(
  upstream: Upstream,
  asked: Asked,
  signal: AbortSignal,
): Promise<{ readonly bytes: Buffer; readonly contentType: string }> {
  const call = await Call.send(upstream, asked, { accept: "*/*", signal });
  try {
    const contentType = call.answer.headers["content-type"];
    return {
      bytes: Buffer.concat(await Array.fromAsync(bytesOf(call.answer.body, signal))),
      contentType: typeof contentType === "string" ? contentType : "application/octet-stream",
    };
  } catch (thrown) {
    throw call.failed(thrown);
  } finally {
    call.end();
  }
}

/** A call whose answer has begun, with a 2xx status. */
class Call {
  readonly answer: Dispatcher.ResponseData;
  readonly #upstream: Upstream;
  readonly #signal: AbortSignal;

  private constructor(answer: Dispatcher.ResponseData, upstream: Upstream, signal: AbortSignal) {
    this.answer = answer;
    this.#upstream = upstream;
    this.#signal = signal;
  }

  static async send(
    upstream: Upstream,
    asked: Asked,
    { accept, signal }: { readonly accept: string; readonly signal: AbortSignal },
  ): Promise<Call> {
    if (signal.aborted) throw cancellation(signal);
    const { path, method = "POST", headers: more = [], body } = asked;
    const bytes = body === undefined || Buffer.isBuffer(body) ? body : JSON.stringify(body);
    const type = bytes === undefined || more.includes("content-type") ? [] : ["content-type", "application/json"];
    upstream.enter();
    try {
      const headers = [...type, "accept", accept, ...more, ...upstream.ownHeaders];
      const answer = await upstream.request({ path, method, headers, body: bytes ?? null }, signal);
      // An error may come when nobody reads the body any more; without a listener it would end the process.
      answer.body.on("error", () => {});
      if (answer.statusCode >= 200 && answer.statusCode <= 299) return new Call(answer, upstream, signal);
      throw await refusal(answer, upstream.provider.name);
    } catch (thrown) {
      upstream.leave();
      throw transportError(thrown, upstream.provider.name, signal);
    }
  }

  /** What went wrong in the midst of the answer, as an error of ours. */
  failed(thrown: unknown): AppError {
    return transportError(thrown, this.#upstream.provider.name, this.#signal);
  }

  /** To be called once the answer was read, or given up. */
  end(): void {
    this.#upstream.leave();
  }
}

async function refusal(answer: Dispatcher.ResponseData, providerName: string): Promise<Error> {
  const retryAfter = answer.headers["retry-after"];
  let body = "";
  for await (const chunk of answer.body.setEncoding("utf8") as AsyncIterable<string>) {
    body += chunk;
    if (body.length > REFUSAL_CHARS_MAX) break;
  }
  return answerError(providerName, {
    status: answer.statusCode,
    retryAfter: typeof retryAfter === "string" ? retryAfter : undefined,
    body,
  });
}

async function* bytesOf(body: Body, signal: AbortSignal): AsyncGenerator<Uint8Array, void, undefined> {
  let bytes = 0;
  try {
    for await (const chunk of body.iterator({ destroyOnReturn: false }) as AsyncIterable<Uint8Array>) {
      if (signal.aborted) throw cancellation(signal);
      bytes += chunk.length;
      if (bytes > ANSWER_BYTES_MAX)
        throw new AppError("upstream", `wanted an answer of at most ${ANSWER_BYTES_MAX} bytes, got a longer one from the model`);
      yield chunk;
    }
  } finally {
    if (signal.aborted) body.destroy();
    else await readRest(body);
  }
}

/** After an answer's last event only the end of the body is left; reading it lets the connection be used again. */
async function readRest(body: Body): Promise<void> {
  const timer = setTimeout(() => body.destroy(), REST_MS);
  let bytes = 0;
  try {
    for await (const chunk of body as AsyncIterable<Uint8Array>) {
      bytes += chunk.length;
      if (bytes > REST_BYTES_MAX) break;
    }
  } catch {
    // The answer was whole, or its reader has failed already: how the connection ends changes nothing.
  } finally {
    clearTimeout(timer);
  }
}
