import { Pool, type Dispatcher } from "undici";

/** How many events a stream has, and how far apart they come: a fast model, far enough apart that they are not sent as one. */
export const EVENTS = 23;
export const EVENT_MS = 2;

/** What is asked for, and by how many at once. */
export interface LoadCase {
  readonly format: "json" | "sse";
  readonly concurrency: number;
}

/** How long each request took, in ms, sorted, and how long all of them took together. */
export interface Load {
  readonly wholeMs: readonly number[];
  readonly firstByteMs: readonly number[];
  readonly elapsedMs: number;
}

/** Where a caller calls, and with what. */
interface Called {
  readonly url: string;
  readonly token?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A caller with connections of its own to one subject. */
export class Caller implements AsyncDisposable {
  readonly #pool: Pool;
  readonly #subject: Called;
  readonly #load: LoadCase;

  constructor(subject: Called, load: LoadCase) {
    this.#pool = new Pool(subject.url, { connections: load.concurrency, pipelining: 1, allowH2: false });
    this.#subject = subject;
    this.#load = load;
  }

  /** Sends `requests` requests, each of `concurrency` callers its next one as soon as the last is answered. */
  async run(requests: number): Promise<Load> {
    const wholeMs: number[] = [];
    const firstByteMs: number[] = [];
    let left = requests;
    const work = async (): Promise<void> => {
      while (left > 0) {
        left -= 1;
        const startMs = performance.now();
        firstByteMs.push((await this.#ask()) - startMs);
        wholeMs.push(performance.now() - startMs);
      }
    };
    const startMs = performance.now();
    await Promise.all(Array.from({ length: this.#load.concurrency }, work));
    const elapsedMs = performance.now() - startMs;
    const ascending = (a: number, b: number): number => a - b;
    return { wholeMs: wholeMs.sort(ascending), firstByteMs: firstByteMs.sort(ascending), elapsedMs };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#pool.close();
  }

  /** Resolves with when the first byte came, once the last has; an answer that is not whole is a failed bench. */
  #ask(): Promise<number> {
    const { format } = this.#load;
    const body = JSON.stringify({
      model: "bench-model",
      messages: [
        { role: "system", content: "You are the conductor. Answer in one paragraph." },
        { role: "user", content: "What happens in the moment before the music begins? ".repeat(8) },
      ],
      temperature: 0.7,
      stream: format === "sse",
      ...(format === "sse" && { stream_options: { include_usage: true } }),
    });
    const headers = {
      "content-type": "application/json",
      accept: "application/json",
      ...(this.#subject.token !== undefined && { authorization: `Bearer ${this.#subject.token}` }),
      ...this.#subject.headers,
    };
    return new Promise((resolve, reject) => {
      this.#pool.dispatch({ path: "/v1/chat/completions", method: "POST", headers, body }, new Reader(format, resolve, reject));
    });
  }
}

/** Counts what arrives without keeping it: the load generator shares the machine with what it measures. */
class Reader implements Dispatcher.DispatchHandler {
  readonly #format: LoadCase["format"];
  readonly #resolve: (firstByteAtMs: number) => void;
  readonly #reject: (error: Error) => void;
  #status = 0;
  #firstByteAtMs = 0;
  #bytes = 0;
  #last: Buffer | undefined;

  constructor(format: LoadCase["format"], resolve: (firstByteAtMs: number) => void, reject: (error: Error) => void) {
    this.#format = format;
    this.#resolve = resolve;
    this.#reject = reject;
  }

  onRequestStart(): void {}

  onResponseStart(_controller: Dispatcher.DispatchController, status: number): void {
    this.#status = status;
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#bytes === 0) this.#firstByteAtMs = performance.now();
    this.#bytes += chunk.length;
    this.#last = chunk;
  }

  onResponseEnd(): void {
    const ending = this.#format === "sse" ? "data: [DONE]\n\n" : "}";
    const isWhole = this.#status === 200 && this.#bytes > 500 && this.#last?.subarray(-ending.length).toString() === ending;
    if (isWhole) this.#resolve(this.#firstByteAtMs);
    else
      this.#reject(
        new Error(
          `wanted a whole answer, got status ${this.#status} and ${this.#bytes} bytes ending in ${this.#last?.subarray(-200).toString()}`,
        ),
      );
  }

  onResponseError(_controller: Dispatcher.DispatchController, error: Error): void {
    this.#reject(error);
  }
}
