import type { IncomingHttpHeaders } from "node:http";
import type { Writable } from "node:stream";
import { AppError } from "@tutti/core";
import type { Dispatcher } from "undici";
import { requestHeaders, responseHeaders } from "./forward-headers.ts";
import { replaceModel } from "./replace-model.ts";
import { Tap, type Observed } from "./tap.ts";
import { answerError, cancellation, retryAfterToMs, transportError } from "./upstream-error.ts";
import type { Upstream } from "./upstream.ts";
import { askForUsage, UsageEventFilter } from "./usage-request.ts";

/** Where an answer goes: a client's `ServerResponse`, or what stands for one. */
export interface ResponseSink extends Writable {
  readonly headersSent: boolean;
  /** `headers` are names and values in turn. */
  writeHead(status: number, headers: string[]): unknown;
}

/** A request to pass on, and where its answer goes. */
export interface ForwardRequest {
  /** What the provider calls the model, where the body is JSON; no other byte of the body changes. */
  readonly model?: string;
  /** What comes after the provider's base URL: "/chat/completions". */
  readonly path: string;
  readonly method: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  readonly response: ResponseSink;
  /** Sent to the client in place of the provider's headers of the same (lower-case) name. */
  readonly responseHeaders?: Readonly<Record<string, string>>;
  /** Asked once, before anything is given to the client. After `false` nothing is: somebody else answers. */
  readonly claim?: (() => boolean) | undefined;
  /** Whether an answer with this status is for the client; another one is thrown, as an error that says what the provider said. */
  readonly passesOn?: ((status: number, contentType: string | undefined) => boolean) | undefined;
  /** Keeps the whole answer (`Forwarded.whole`), within a bound. */
  readonly keepsAll?: boolean;
  /** Its answers say when they are over: one that ends without was cut off, though its connection closed as if all were well. */
  readonly hasEndMark?: boolean;
  /** Asks a chat stream for its usage when the client did not, and keeps what comes of that from the client. */
  readonly asksForUsage?: boolean;
  /** Told of the whole answer before its last byte goes out; the answer itself only with `keepsAll`. */
  readonly beforeEnd?: ((kept: Buffer | undefined, contentType: string) => void) | undefined;
  /** Told how far the answer had got when it was broken off. */
  readonly onBroken?: ((broken: BrokenOff) => void) | undefined;
}

/** What was passed on. `firstByteMs` counts from the start to the first byte of the answer's body. */
export interface Forwarded extends Observed {
  readonly status: number;
  /** With a refusal: how long the provider asks to be left alone. */
  readonly retryAfterMs?: number;
  readonly firstByteMs: number;
}

/** How far an answer got that was broken off after it had begun, for whoever has to count it. */
export interface BrokenOff {
  readonly observed: Observed;
  readonly whole: Buffer | undefined;
}

/** What came of a request. */
export interface ForwardResult {
  readonly forwarded: Forwarded;
  readonly contentType: string;
  /** The answer itself; `undefined` unless it was to be kept, or when it was too long. */
  readonly whole: () => Buffer | undefined;
}

/**
 * Passes a request on and the answer back, byte for byte, at the client's pace. A client that leaves ends the upstream's work too. Rejects
 * with an `AppError`: if the response has begun by then it is broken off, else it is untouched and the caller answers. Never tries again.
 */
export function forward(upstream: Upstream, request: ForwardRequest, signal: AbortSignal | undefined): Promise<ForwardResult> {
  if (signal?.aborted === true) return Promise.reject(cancellation(signal));
  if (request.response.destroyed) return Promise.reject(clientLeft());
  return new Promise((resolve, reject) => {
    const body = bodyFor(request);
    const headers = requestHeaders(request.headers, upstream.ownHeaders);
    const call = { path: request.path, method: request.method, headers, body: body.length === 0 ? null : body };
    upstream.enter();
    upstream.dispatch(call, new Relay({ upstream, request, signal, resolve, reject }));
  });
}

function bodyFor({ model, body, asksForUsage }: ForwardRequest): Buffer {
  const named = model === undefined ? body : replaceModel(body, model);
  return asksForUsage === true ? askForUsage(named) : named;
}

interface RelayOptions {
  readonly upstream: Upstream;
  readonly request: ForwardRequest;
  readonly signal: AbortSignal | undefined;
  resolve(result: ForwardResult): void;
  reject(error: AppError): void;
}

const NEVER = new AbortController().signal;
/** The longest answer; a provider that never stops would hold its client for ever. */
const ANSWER_BYTES_MAX = 256 * 1024 * 1024;
/** How much of a refusal that is not passed on is read. */
const REFUSAL_BYTES_MAX = 65_536;

/**
 * Carries one answer from undici's parser to the client's socket. It stands where `Pool.stream` would put its own handler: that one
 * returns nothing about the answer and cannot be looked over the shoulder without one more stream in between.
 */
class Relay implements Dispatcher.DispatchHandler {
  readonly #options: RelayOptions;
  readonly #response: ResponseSink;
  readonly #startedAtMs = performance.now();
  readonly #filter: UsageEventFilter | undefined;
  #controller: Dispatcher.DispatchController | undefined;
  #tap = new Tap(undefined);
  #status = 0;
  #headers: IncomingHttpHeaders = {};
  /** Set while an answer comes that the client does not get. */
  #refusal: Buffer[] | undefined;
  #refusalBytes = 0;
  #bytes = 0;
  #firstByteMs = 0;
  /** Set once this answer is the one that the client gets. */
  #hasBegun = false;
  #stallTimer: NodeJS.Timeout | undefined;
  #isSettled = false;

  constructor(options: RelayOptions) {
    this.#options = options;
    this.#response = options.request.response;
    this.#filter = options.request.asksForUsage === true ? new UsageEventFilter() : undefined;
    this.#response.on("close", this.#onClose);
    options.signal?.addEventListener("abort", this.#onAbort);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#isSettled) controller.abort(clientLeft());
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number, headers: IncomingHttpHeaders): void {
    if (status < 200 || this.#isSettled) return;
    this.#status = status;
    this.#headers = headers;
    const { keepsAll, passesOn } = this.#options.request;
    this.#tap = new Tap(headers["content-type"], keepsAll);
    if (passesOn?.(status, headers["content-type"]) === false) this.#refusal = [];
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#isSettled) return;
    this.#bytes += chunk.length;
    if (this.#bytes > ANSWER_BYTES_MAX) return this.#breakOff(tooLong(this.#options.upstream.provider.name));
    if (this.#refusal !== undefined) return this.#keepRefusal(this.#refusal, chunk);
    if (!this.#begin()) return;
    this.#tap.see(chunk);
    const bytes = this.#filter === undefined ? chunk : this.#filter.push(chunk);
    if (bytes !== undefined && !this.#response.write(bytes)) this.#waitForClient(controller);
  }

  onResponseEnd(): void {
    if (this.#isSettled) return;
    if (this.#refusal !== undefined) return this.#refuse(this.#refusal);
    // Before the head is written, when nothing has come: then another target may answer.
    if (this.#status < 300 && this.#options.request.hasEndMark === true && !this.#tap.isWhole())
      return this.#fail(cutOff(this.#options.upstream.provider.name));
    if (!this.#begin()) return;
    const contentType = this.#headers["content-type"] ?? "";
    const whole = (): Buffer | undefined => (this.#options.request.keepsAll === true ? this.#tap.whole() : undefined);
    const { beforeEnd } = this.#options.request;
    if (beforeEnd !== undefined) beforeEnd(whole(), contentType);
    this.#response.end(this.#filter?.end());
    this.#settle();
    const retryAfterMs = this.#status < 400 ? undefined : retryAfterToMs(this.#headers["retry-after"]);
    const forwarded = {
      status: this.#status,
      firstByteMs: this.#firstByteMs,
      ...this.#tap.observed(),
      ...(retryAfterMs !== undefined && { retryAfterMs }),
    };
    this.#options.resolve({ forwarded, contentType, whole });
  }

  onResponseError(_controller: Dispatcher.DispatchController, thrown: Error): void {
    const { upstream, signal } = this.#options;
    this.#fail(transportError(thrown, upstream.provider.name, signal ?? NEVER));
  }

  /** Before the first byte; `false` when somebody else answers the client. */
  #begin(): boolean {
    if (this.#hasBegun) return true;
    this.#firstByteMs = performance.now() - this.#startedAtMs;
    const { request } = this.#options;
    if (request.claim?.() === false) {
      this.#breakOff(new AppError("cancelled", "another target answered first"));
      return false;
    }
    this.#hasBegun = true;
    this.#response.writeHead(this.#status, responseHeaders(this.#headers, request.responseHeaders ?? {}));
    return true;
  }

  #keepRefusal(refusal: Buffer[], chunk: Buffer): void {
    if (this.#refusalBytes < REFUSAL_BYTES_MAX) refusal.push(chunk);
    this.#refusalBytes += chunk.length;
  }

  #refuse(refusal: readonly Buffer[]): void {
    const retryAfter = this.#headers["retry-after"];
    const body = Buffer.concat(refusal).toString("utf8");
    const status = this.#status;
    const isOdd = status >= 200 && status <= 299;
    const { name } = this.#options.upstream.provider;
    const error = isOdd ? wrongType(name, this.#headers["content-type"]) : answerError(name, { status, retryAfter, body });
    this.#fail(error);
  }

  readonly #onClose = (): void => {
    this.#breakOff(clientLeft());
  };

  readonly #onAbort = (): void => {
    this.#breakOff(cancellation(this.#options.signal ?? NEVER));
  };

  #waitForClient(controller: Dispatcher.DispatchController): void {
    controller.pause();
    // A client that never reads would hold its upstream for ever: undici counts no time while it is paused.
    this.#stallTimer ??= setTimeout(() => this.#breakOff(clientStalled()), this.#options.upstream.timeouts.idleMs);
    this.#response.once("drain", () => {
      clearTimeout(this.#stallTimer);
      this.#stallTimer = undefined;
      controller.resume();
    });
  }

  #breakOff(error: AppError): void {
    if (this.#isSettled) return;
    this.#fail(error);
    this.#controller?.abort(error);
  }

  #fail(error: AppError): void {
    if (this.#isSettled) return;
    this.#settle();
    if (this.#hasBegun) {
      // The client must not take half an answer for a whole one.
      this.#response.destroy();
      this.#options.request.onBroken?.({ observed: this.#tap.observed(), whole: this.#tap.whole() });
    }
    this.#options.reject(error);
  }

  #settle(): void {
    this.#isSettled = true;
    clearTimeout(this.#stallTimer);
    this.#response.off("close", this.#onClose);
    this.#options.signal?.removeEventListener("abort", this.#onAbort);
    this.#options.upstream.leave();
  }
}

function tooLong(provider: string): AppError {
  return new AppError(
    "upstream",
    `wanted an answer of at most ${ANSWER_BYTES_MAX} bytes, got a longer one from the provider "${provider}"`,
  );
}

function cutOff(provider: string): AppError {
  return new AppError("upstream", `wanted a whole answer, got a stream that was cut off by the provider "${provider}"; try again`);
}

function wrongType(provider: string, contentType: string | undefined): AppError {
  return new AppError(
    "upstream",
    `wanted JSON or an event stream from the provider "${provider}", got ${contentType ?? "no content type"}; is its base URL right?`,
  );
}

/** Not a failure of the provider: the client is gone in all but name. */
export function clientStalled(): AppError {
  return new AppError("cancelled", "wanted the client to go on reading its answer, got silence");
}

function clientLeft(): AppError {
  return new AppError("cancelled", "the client left before its answer was whole");
}
