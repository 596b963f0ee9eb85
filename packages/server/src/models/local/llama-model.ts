import { AppError } from "@tutti/core";
import type { ModelPart } from "@tutti/core/model";
import type { Embeddings } from "../requests.ts";
import { cancellation } from "../upstream-error.ts";
import type { LlamaMessage, LlamaRequest, LlamaSettings } from "./llama-messages.ts";
import type { LlamaAsk } from "./llama-request.ts";
import { startProcess, type OwnProcess } from "./own-process.ts";

/** Requests of one model that may wait for those before them. */
const WAITING_MAX = 64;

/** Who looks after a model. */
interface Owner {
  /** It ended by itself; what it was asked has failed. */
  lost(): void;
  /** Nothing is asked of it any more, for now. */
  idle(): void;
  log(message: string): void;
}

/** Something that a model is doing, or will do. */
interface Call {
  readonly request: (id: number) => LlamaRequest;
  readonly told: (message: LlamaMessage) => void;
  readonly failed: (error: AppError) => void;
}

/** A model in a process of its own: so many requests at a time, the others wait their turn. */
export class LlamaModel {
  readonly #settings: LlamaSettings;
  readonly #owner: Owner;
  readonly #process: OwnProcess<LlamaRequest>;
  readonly #loaded = Promise.withResolvers<void>();
  readonly #waiting: Call[] = [];
  readonly #calls = new Map<number, Call>();
  #lastId = 0;
  #isLoaded = false;

  constructor(settings: LlamaSettings, owner: Owner) {
    this.#settings = settings;
    this.#owner = owner;
    // Who waits for it hears of its failure; nobody may be waiting.
    this.#loaded.promise.catch(() => {});
    this.#process = startProcess<LlamaRequest, LlamaMessage>("llama-process", {
      message: (message) => this.#told(message),
      ended: (how) => this.#lose(new AppError("upstream", `wanted the model's answer, got a process that ended (${how}); try again`)),
    });
    this.#process.hold(true);
    this.#process.send({ type: "load", settings });
  }

  get processId(): number | undefined {
    return this.#process.id;
  }

  get isBusy(): boolean {
    return this.#calls.size > 0 || this.#waiting.length > 0 || !this.#isLoaded;
  }

  /** Resolves once it is in memory. */
  async loaded(signal: AbortSignal): Promise<void> {
    if (signal.aborted) throw cancellation(signal);
    const left = Promise.withResolvers<never>();
    const leave = (): void => left.reject(cancellation(signal));
    signal.addEventListener("abort", leave, { once: true });
    try {
      await Promise.race([this.#loaded.promise, left.promise]);
    } finally {
      signal.removeEventListener("abort", leave);
    }
  }

  async *generate(ask: LlamaAsk, signal: AbortSignal): AsyncGenerator<ModelPart, void, undefined> {
    // As long as the answer at most, which the model's context bounds.
    const parts: ModelPart[] = [];
    let news = Promise.withResolvers<void>();
    let ending: AppError | "ended" | undefined;
    const leave = this.#enter(
      {
        request: (id) => ({ type: "generate", id, ask }),
        told: (message) => {
          if (message.type === "part") parts.push(message.part);
          else if (message.type === "ended") ending = "ended";
          news.resolve();
        },
        failed: (error) => {
          ending = error;
          news.resolve();
        },
      },
      signal,
    );
    try {
      while (true) {
        yield* parts.splice(0);
        if (ending === "ended") return;
        if (ending !== undefined) throw ending;
        await news.promise;
        news = Promise.withResolvers<void>();
      }
    } finally {
      leave();
    }
  }

  async embed(texts: readonly string[], signal: AbortSignal): Promise<Embeddings> {
    const { promise, resolve, reject } = Promise.withResolvers<Embeddings>();
    const leave = this.#enter(
      {
        request: (id) => ({ type: "embed", id, texts }),
        told: (message) => {
          if (message.type === "embedded") resolve({ vectors: message.vectors, usage: { inputTokens: message.tokens, outputTokens: 0 } });
        },
        failed: reject,
      },
      signal,
    );
    return promise.finally(leave);
  }

  async end(): Promise<void> {
    this.#fail(new AppError("cancelled", "the model was unloaded"));
    await this.#process.end();
  }

  /** Takes a call in; gives what ends it from outside. */
  #enter(call: Call, signal: AbortSignal): () => void {
    if (signal.aborted) throw cancellation(signal);
    if (this.#waiting.length >= WAITING_MAX)
      throw new AppError("overloaded", `wanted at most ${WAITING_MAX} requests waiting for the model, got one more; try later`);
    const leave = (): void => {
      signal.removeEventListener("abort", abort);
      this.#drop(call);
    };
    const abort = (): void => {
      leave();
      call.failed(cancellation(signal));
    };
    signal.addEventListener("abort", abort, { once: true });
    this.#waiting.push(call);
    this.#pump();
    return leave;
  }

  /** A call under way keeps its place until the process has stopped working on it. */
  #drop(call: Call): void {
    const index = this.#waiting.indexOf(call);
    if (index >= 0) this.#waiting.splice(index, 1);
    for (const [id, other] of this.#calls) {
      if (other !== call) continue;
      this.#process.send({ type: "abort", id });
      this.#calls.set(id, GIVEN_UP);
    }
  }

  #pump(): void {
    if (!this.#isLoaded) return;
    while (this.#calls.size < this.#settings.parallel) {
      const call = this.#waiting.shift();
      if (call === undefined) break;
      this.#lastId += 1;
      this.#calls.set(this.#lastId, call);
      this.#process.send(call.request(this.#lastId));
    }
    this.#process.hold(this.isBusy);
    if (!this.isBusy) this.#owner.idle();
  }

  #told(message: LlamaMessage): void {
    if (message.type === "log") return this.#owner.log(message.message);
    if (message.type === "unloadable") return this.#lose(new AppError(message.code, `the model could not be loaded: ${message.message}`));
    if (message.type === "loaded") {
      this.#isLoaded = true;
      this.#loaded.resolve();
      return this.#pump();
    }
    const call = this.#calls.get(message.id);
    if (message.type === "ended") this.#calls.delete(message.id);
    if (message.type === "ended" && message.error !== undefined) call?.failed(new AppError(message.error.code, message.error.message));
    else call?.told(message);
    if (message.type === "ended") this.#pump();
  }

  #lose(error: AppError): void {
    this.#owner.lost();
    this.#fail(error);
    // It may have failed to load and be there still.
    void this.#process.end();
  }

  #fail(error: AppError): void {
    this.#loaded.reject(error);
    const calls = [...this.#calls.values(), ...this.#waiting.splice(0)];
    this.#calls.clear();
    for (const call of calls) call.failed(error);
  }
}

/** In the place of a call whose caller has left, until the process has noticed. */
const GIVEN_UP: Call = {
  request: () => {
    throw new AppError("internal", "a call that was given up is not asked again");
  },
  told: () => {},
  failed: () => {},
};
