import { AppError } from "@tutti/core";
import type { Embeddings } from "../requests.ts";
import { cancellation } from "../upstream-error.ts";
import type { EmbeddedBatch, EmbeddingBatch } from "./embedding-process.ts";
import { startProcess, type OwnProcess } from "./own-process.ts";

/** How many numbers a vector has. */
export const DIMENSIONS = 512;
/** What the model reads of a text: it looks at no more tokens whatever it is given, and more would only cost time. */
export const TOKENS_MAX = 128;
/** Texts that may wait at a time, of all requests. */
const WAITING_TEXTS_MAX = 8_192;
/** A batch is as long as one request keeps the others waiting, and the process's memory grows with it. */
const BATCH_TEXTS_MAX = 16;
const BATCH_CHARS_MAX = 4_096;

/** Texts that one request wants embedded. */
interface Job {
  readonly texts: readonly string[];
  readonly vectors: Float32Array[];
  tokens: number;
  readonly resolve: (embeddings: Embeddings) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Embeds texts in a process of its own, so that the event loop never waits. The process starts with the first text and ends when there was
 * none for `idleMs`. Requests take turns, batch by batch.
 */
export class Embedder {
  readonly #idleMs: number;
  readonly #jobs: Job[] = [];
  #waitingTexts = 0;
  #process: OwnProcess<EmbeddingBatch> | undefined;
  /** Whose batch the process has now; it may have been given up meanwhile. */
  #current: Job | undefined;
  #idling: NodeJS.Timeout | undefined;
  #ending: Promise<unknown> = Promise.resolve();
  #isClosed = false;

  constructor(idleMs: number) {
    this.#idleMs = idleMs;
  }

  get isLoaded(): boolean {
    return this.#process !== undefined;
  }

  /** Of the process that holds the model now. */
  get processId(): number | undefined {
    return this.#process?.id;
  }

  async embed(texts: readonly string[], signal: AbortSignal): Promise<Embeddings> {
    if (signal.aborted) throw cancellation(signal);
    if (this.#isClosed) throw closed();
    if (texts.length === 0) return { vectors: [], usage: { inputTokens: 0, outputTokens: 0 } };
    if (this.#waitingTexts + texts.length > WAITING_TEXTS_MAX)
      throw new AppError(
        "overloaded",
        `wanted at most ${WAITING_TEXTS_MAX} texts waiting to be embedded, got ${this.#waitingTexts + texts.length}; send fewer, or later`,
      );
    const { promise, resolve, reject } = Promise.withResolvers<Embeddings>();
    const job: Job = { texts, vectors: [], tokens: 0, resolve, reject };
    const leave = (): void => {
      if (this.#remove(job)) reject(cancellation(signal));
    };
    signal.addEventListener("abort", leave, { once: true });
    this.#add(job);
    this.#pump();
    return promise.finally(() => signal.removeEventListener("abort", leave));
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#fail(closed());
    this.#unload();
    await this.#ending;
  }

  #pump(): void {
    const job = this.#jobs[0];
    if (this.#current !== undefined || job === undefined) return;
    clearTimeout(this.#idling);
    this.#process ??= this.#start();
    this.#process.hold(true);
    this.#current = job;
    this.#process.send({ texts: batchOf(job), tokensMax: TOKENS_MAX });
  }

  #answered(answer: EmbeddedBatch): void {
    const job = this.#current;
    this.#current = undefined;
    if (job !== undefined && this.#remove(job)) this.#take(job, answer);
    this.#pump();
    if (this.#current !== undefined) return;
    this.#process?.hold(false);
    this.#idling = setTimeout(() => this.#unload(), this.#idleMs).unref();
  }

  #take(job: Job, answer: EmbeddedBatch): void {
    if (answer.type === "failed") {
      job.reject(new AppError("upstream", `wanted the local embedding model's vectors, got ${answer.message}`));
      return;
    }
    const { values, tokens } = answer;
    for (let start = 0; start < values.length; start += DIMENSIONS) job.vectors.push(values.subarray(start, start + DIMENSIONS));
    job.tokens += tokens;
    if (job.vectors.length < job.texts.length) this.#add(job);
    else job.resolve({ vectors: job.vectors, usage: { inputTokens: job.tokens, outputTokens: 0 } });
  }

  #add(job: Job): void {
    this.#jobs.push(job);
    this.#waitingTexts += job.texts.length;
  }

  /** Whether it was still waiting. */
  #remove(job: Job): boolean {
    const index = this.#jobs.indexOf(job);
    if (index < 0) return false;
    this.#jobs.splice(index, 1);
    this.#waitingTexts -= job.texts.length;
    return true;
  }

  #start(): OwnProcess<EmbeddingBatch> {
    return startProcess<EmbeddingBatch, EmbeddedBatch>("embedding-process", {
      message: (answer) => this.#answered(answer),
      ended: (how) => {
        this.#process = undefined;
        this.#current = undefined;
        this.#fail(new AppError("upstream", `wanted the local embedding model's vectors, got a process that ended (${how}); try again`));
      },
    });
  }

  #fail(error: AppError): void {
    for (const job of this.#jobs.splice(0)) job.reject(error);
    this.#waitingTexts = 0;
  }

  #unload(): void {
    clearTimeout(this.#idling);
    this.#current = undefined;
    if (this.#process !== undefined) this.#ending = this.#process.end();
    this.#process = undefined;
  }
}

function batchOf(job: Job): readonly string[] {
  const batch: string[] = [];
  let chars = 0;
  for (let index = job.vectors.length; index < job.texts.length && batch.length < BATCH_TEXTS_MAX; index += 1) {
    const text = job.texts[index] ?? "";
    chars += text.length;
    if (batch.length > 0 && chars > BATCH_CHARS_MAX) break;
    batch.push(text);
  }
  return batch;
}

function closed(): AppError {
  return new AppError("cancelled", "the local embedding model was closed");
}
