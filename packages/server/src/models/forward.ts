import type { IncomingHttpHeaders, ServerResponse } from "node:http";
import { AppError } from "@tutti/core";
import type { Dispatcher } from "undici";
import { requestHeaders, responseHeaders } from "./forward-headers.ts";
import type { Provider } from "./provider.ts";
import { replaceModel } from "./replace-model.ts";
import { Tap, type Observed } from "./tap.ts";
import { cancellation, transportError } from "./upstream-error.ts";
import type { Outcome, Upstream } from "./upstream.ts";

/** A request to pass on, and where its answer goes. */
export interface ForwardRequest {
  readonly provider: Provider;
  /** What the client called the model. If that is `provider/model`, the provider is sent `model`; no other byte of the body changes. */
  readonly modelId?: string;
  /** What comes after the provider's base URL: "/chat/completions". */
  readonly path: string;
  readonly method: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  readonly response: ServerResponse;
  /** Sent to the client in place of the provider's headers of the same (lower-case) name. */
  readonly responseHeaders?: Readonly<Record<string, string>>;
}

/** What was passed on. `firstByteMs` counts from the start to the first byte of the answer's body. */
export interface Forwarded extends Observed {
  readonly status: number;
  readonly firstByteMs: number;
}

/**
 * Passes a request on and the answer back, byte for byte, at the client's pace. A client that leaves ends the upstream's work too. Rejects
 * with an `AppError`: if the response has begun by then it is broken off, else it is untouched and the caller answers. Never tries again.
 */
export function forward(upstream: Upstream, request: ForwardRequest, signal: AbortSignal): Promise<Forwarded> {
  if (signal.aborted) return Promise.reject(cancellation(signal));
  if (request.response.destroyed) return Promise.reject(clientLeft());
  return new Promise((resolve, reject) => {
    const body = bodyFor(upstream, request);
    const headers = requestHeaders(request.headers, upstream.ownHeaders);
    const call = { path: request.path, method: request.method, headers, body: body.length === 0 ? null : body };
    upstream.admit();
    upstream.dispatch(call, new Relay({ upstream, request, signal, resolve, reject }));
  });
}

function bodyFor(upstream: Upstream, { modelId, body }: ForwardRequest): Buffer {
  const prefix = `${upstream.provider.name}/`;
  return modelId?.startsWith(prefix) === true && !upstream.provider.models.includes(modelId)
    ? replaceModel(body, modelId.slice(prefix.length))
    : body;
}

interface RelayOptions {
  readonly upstream: Upstream;
  readonly request: ForwardRequest;
  readonly signal: AbortSignal;
  resolve(forwarded: Forwarded): void;
  reject(error: AppError): void;
}

/**
 * Carries one answer from undici's parser to the client's socket. It stands where `Pool.stream` would put its own handler: that one
 * returns nothing about the answer and cannot be looked over the shoulder without one more stream in between.
 */
class Relay implements Dispatcher.DispatchHandler {
  readonly #options: RelayOptions;
  readonly #response: ServerResponse;
  readonly #startedAtMs = performance.now();
  #controller: Dispatcher.DispatchController | undefined;
  #tap = new Tap(undefined);
  #status = 0;
  #firstByteMs = 0;
  #stallTimer: NodeJS.Timeout | undefined;
  #isSettled = false;

  constructor(options: RelayOptions) {
    this.#options = options;
    this.#response = options.request.response;
    this.#response.on("close", this.#onClose);
    options.signal.addEventListener("abort", this.#onAbort);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    if (this.#isSettled) controller.abort(clientLeft());
  }

  onResponseStart(_controller: Dispatcher.DispatchController, status: number, headers: IncomingHttpHeaders): void {
    if (status < 200 || this.#isSettled) return;
    this.#status = status;
    this.#tap = new Tap(headers["content-type"]);
    this.#response.writeHead(status, responseHeaders(headers, this.#options.request.responseHeaders ?? {}));
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#isSettled) return;
    if (this.#firstByteMs === 0) this.#firstByteMs = performance.now() - this.#startedAtMs;
    const hasRoom = this.#response.write(chunk);
    this.#tap.see(chunk);
    if (!hasRoom) this.#waitForClient(controller);
  }

  onResponseEnd(): void {
    if (this.#isSettled) return;
    this.#response.end();
    this.#settle(this.#status >= 500 ? "failed" : "answered");
    const firstByteMs = this.#firstByteMs || performance.now() - this.#startedAtMs;
    this.#options.resolve({ status: this.#status, firstByteMs, ...this.#tap.observed() });
  }

  onResponseError(_controller: Dispatcher.DispatchController, thrown: Error): void {
    const { upstream, signal } = this.#options;
    this.#fail(transportError(thrown, upstream.provider.name, signal), "failed");
  }

  readonly #onClose = (): void => {
    this.#breakOff(clientLeft());
  };

  readonly #onAbort = (): void => {
    this.#breakOff(cancellation(this.#options.signal));
  };

  #waitForClient(controller: Dispatcher.DispatchController): void {
    controller.pause();
    // A client that never reads would hold its upstream for ever: undici counts no time while it is paused.
    this.#stallTimer ??= setTimeout(
      () => this.#breakOff(new AppError("timeout", "wanted the client to go on reading its answer, got silence")),
      this.#options.upstream.timeouts.idleMs,
    );
    this.#response.once("drain", () => {
      clearTimeout(this.#stallTimer);
      this.#stallTimer = undefined;
      controller.resume();
    });
  }

  #breakOff(error: AppError): void {
    if (this.#isSettled) return;
    this.#fail(error, "unknown");
    this.#controller?.abort(error);
  }

  #fail(error: AppError, outcome: Outcome): void {
    if (this.#isSettled) return;
    this.#settle(outcome);
    // The client must not take half an answer for a whole one.
    if (this.#response.headersSent) this.#response.destroy();
    this.#options.reject(error);
  }

  #settle(outcome: Outcome): void {
    this.#isSettled = true;
    clearTimeout(this.#stallTimer);
    this.#response.off("close", this.#onClose);
    this.#options.signal.removeEventListener("abort", this.#onAbort);
    this.#options.upstream.settle(outcome);
  }
}

function clientLeft(): AppError {
  return new AppError("cancelled", "the client left before its answer was whole");
}
