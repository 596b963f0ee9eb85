import { AppError } from "@tutti/core";

/** Where the server is and how to talk to it. */
export interface ClientOptions {
  readonly baseUrl: string | URL;
  readonly token?: string;
  readonly fetch?: typeof fetch;
  /** In a signed-in browser: what `GET /v1/session` tells as `csrfToken`, sent with whatever changes something. */
  readonly csrfToken?: () => string | undefined;
  /** How long one answer may take to begin. */
  readonly timeoutMs?: number;
}

/** One request; a body is sent as JSON, or as a form when it is one. */
export interface ClientRequest {
  readonly method?: "GET" | "POST" | "PUT" | "DELETE";
  readonly path: string;
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  readonly body?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** Instead of the client's own bound: runs and models may think for long. */
  readonly timeoutMs?: number;
}

/** An answer that has begun. */
export interface OpenAnswer {
  readonly body: ReadableStream<Uint8Array>;
  readonly runId: string | null;
}

const TIMEOUT_MS = 30_000;
/** A receipt of a long run is large; more than this is no answer of Tutti's. */
const REPLY_BYTES_MAX = 256 * 1_048_576;
const ERROR_CHARACTERS_MAX = 2000;

/** Sends requests; every error is an `AppError` with the server's code. */
export class Transport {
  readonly #options: ClientOptions;

  constructor(options: ClientOptions) {
    this.#options = options;
  }

  /** The JSON that the server answers with. It is our own server, of the same version, so its shape is taken as it is. */
  async json<T>(request: ClientRequest, signal?: AbortSignal): Promise<T> {
    return this.#whole(request, signal, ({ status, text }) => (status === 204 ? undefined : JSON.parse(text)) as T);
  }

  /** What the server answers, as it is written. */
  async text(request: ClientRequest, signal?: AbortSignal): Promise<string> {
    return this.#whole(request, signal, ({ text }) => text);
  }

  async #whole<T>(
    request: ClientRequest,
    signal: AbortSignal | undefined,
    read: (answer: { readonly status: number; readonly text: string }) => T,
  ): Promise<T> {
    const timeoutMs = request.timeoutMs ?? this.#options.timeoutMs ?? TIMEOUT_MS;
    const timeout = AbortSignal.timeout(timeoutMs);
    const bounded = signal === undefined ? timeout : AbortSignal.any([signal, timeout]);
    try {
      const response = await this.#send(request, bounded);
      // 204 has no body, and whoever asks for it wants none.
      return read({ status: response.status, text: await readText(response, REPLY_BYTES_MAX) });
    } catch (thrown) {
      throw this.#explain(thrown, { signal, timeoutMs });
    }
  }

  /** A response to be read as it comes. Only its beginning is bounded in time; who reads it bounds the rest. */
  async stream(request: ClientRequest, signal: AbortSignal): Promise<ReadableStream<Uint8Array>> {
    return (await this.open(request, signal)).body;
  }

  /** The same, and the id of the run that the answer comes from, where the server names it. */
  async open(request: ClientRequest, signal: AbortSignal): Promise<OpenAnswer> {
    const timeoutMs = request.timeoutMs ?? this.#options.timeoutMs ?? TIMEOUT_MS;
    const tooLate = new AbortController();
    const timer = setTimeout(() => tooLate.abort(new DOMException("no answer", "TimeoutError")), timeoutMs);
    try {
      const { body, headers } = await this.#send(request, AbortSignal.any([signal, tooLate.signal]));
      if (body === null) throw new AppError("upstream", "wanted a stream, got a response without a body");
      return { body, runId: headers.get("tutti-run-id") };
    } catch (thrown) {
      throw this.#explain(thrown, { signal, timeoutMs });
    } finally {
      clearTimeout(timer);
    }
  }

  async #send(request: ClientRequest, signal: AbortSignal): Promise<Response> {
    const { method = "GET", body, headers } = request;
    const { token, csrfToken, fetch: send = fetch } = this.#options;
    const csrf = method === "GET" ? undefined : csrfToken?.();
    const response = await send(this.#url(request), {
      method,
      signal,
      redirect: "error",
      headers: {
        accept: "application/json",
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
        ...(csrf !== undefined && { "x-csrf-token": csrf }),
        // A form says of itself what it is: its parts' boundary stands in there.
        ...(body !== undefined && !(body instanceof FormData) && { "content-type": "application/json" }),
        ...headers,
      },
      ...(body !== undefined && { body: body instanceof FormData ? body : JSON.stringify(body) }),
    });
    if (response.ok) return response;
    throw errorOf(response.status, await readText(response, REPLY_BYTES_MAX));
  }

  #url({ path, query = {} }: ClientRequest): URL {
    const url = new URL(path.replace(/^\//, ""), withSlash(this.#options.baseUrl));
    for (const [name, value] of Object.entries(query)) if (value !== undefined) url.searchParams.set(name, String(value));
    return url;
  }

  #explain(thrown: unknown, { signal, timeoutMs }: { readonly signal: AbortSignal | undefined; readonly timeoutMs: number }): AppError {
    if (thrown instanceof AppError) return thrown;
    if (signal?.aborted === true) return new AppError("cancelled", "the request was cancelled", { cause: thrown });
    const where = String(this.#options.baseUrl);
    if (thrown instanceof Error && thrown.name === "TimeoutError")
      return new AppError("timeout", `wanted an answer from ${where} within ${timeoutMs} ms, got none`, { cause: thrown });
    return new AppError(
      "upstream",
      `wanted an answer from ${where}, got none that can be read (${causeOf(thrown)}); is Tutti running there?`,
      { cause: thrown },
    );
  }
}

/** The server's error, in either of its shapes; whatever else stands in front of the server answers in its own. */
function errorOf(status: number, text: string): AppError {
  const found = readError(text);
  if (found !== undefined) return AppError.revive(found.code, found.message, found.problems && { cause: { problems: found.problems } });
  return new AppError("upstream", `wanted an answer of Tutti, got status ${status}: ${text.slice(0, ERROR_CHARACTERS_MAX)}`);
}

interface WireError {
  readonly code: string;
  readonly message: string;
  /** What is wrong and where, when a graph was refused. */
  readonly problems?: readonly unknown[];
}

function readError(text: string): WireError | undefined {
  try {
    const body = JSON.parse(text) as {
      readonly error?: { readonly code?: unknown; readonly message?: unknown };
      readonly code?: unknown;
      readonly detail?: unknown;
      readonly problems?: unknown;
    };
    const { code, message } = body.error ?? { code: body.code, message: body.detail };
    if (typeof code !== "string" || typeof message !== "string") return undefined;
    return Array.isArray(body.problems) ? { code, message, problems: body.problems } : { code, message };
  } catch {
    // Not JSON: not one of our errors.
    return undefined;
  }
}

async function readText(response: Response, bytesMax: number): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  let bytes = 0;
  for await (const chunk of chunksOf(response.body)) {
    bytes += chunk.length;
    if (bytes > bytesMax) throw new AppError("too_large", `wanted an answer of at most ${bytesMax} bytes, got a longer one`);
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

/** A body's chunks. Not every browser can iterate over a stream itself. */
async function* chunksOf(body: ReadableStream<Uint8Array> | null): AsyncGenerator<Uint8Array> {
  if (body === null) return;
  const reader = body.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } finally {
    await reader.cancel().catch(() => {
      // The stream has failed already, and whoever read it knows.
    });
  }
}

function withSlash(url: string | URL): string {
  const text = String(url);
  return text.endsWith("/") ? text : `${text}/`;
}

function causeOf(thrown: unknown): string {
  const cause = thrown instanceof Error && thrown.cause instanceof Error ? thrown.cause : thrown;
  if (cause instanceof Error) return "code" in cause && typeof cause.code === "string" ? cause.code : cause.message;
  return String(cause);
}
