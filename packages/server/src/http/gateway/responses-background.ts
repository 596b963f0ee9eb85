import { randomUUID } from "node:crypto";
import { AppError, type Json } from "@tutti/core";
import type { AnswerHead } from "@tutti/core/wire";
import { wireError } from "../problem.ts";
import { Bell } from "../sse.ts";
import { emptyResponse, type Prepared, type ResponseAsk, type ResponsesDesk } from "./responses-desk.ts";
import type { KeptResponse } from "./responses-log.ts";
import type { JsonObject } from "./serving.ts";

/** The most responses that are made in the background at once, and the most characters of events each may have. */
const RUNNING_MAX = 128;
const EVENTS_CHARS_MAX = 32 * 1024 * 1024;
/** Longer streams are not kept for those who come back after the end: they have the response. */
const KEPT_EVENTS_CHARS_MAX = 4 * 1024 * 1024;
/** How often a response under way is said to be, and how long that is believed. */
const BEAT_MS = 15_000;
const BEAT_BELIEVED_MS = 60_000;

/** A response that is being made without its client. */
interface Running {
  kept: KeptResponse;
  readonly head: AnswerHead;
  readonly events: JsonObject[];
  readonly listeners: Set<Bell>;
  readonly stop: AbortController;
  chars: number;
  done: Promise<void>;
}

/** Makes responses that outlive their clients. They do not outlive this process: what it leaves unfinished is said to have failed. */
export class BackgroundResponses {
  readonly #desk: ResponsesDesk;
  readonly #running = new Map<string, Running>();
  readonly #workerId = randomUUID();

  constructor(desk: ResponsesDesk) {
    this.#desk = desk;
  }

  /** Begins one; it is `queued` when this returns. */
  async start(ask: ResponseAsk): Promise<KeptResponse> {
    if (ask.given.store === false)
      throw new AppError("invalid_input", "store: wanted true for a response in the background, which is fetched later, got false", {
        cause: { param: "store" },
      });
    if (this.#running.size >= RUNNING_MAX)
      throw new AppError(
        "overloaded",
        `wanted at most ${RUNNING_MAX} responses in the background at once, got more; try again in a moment`,
      );
    const state: { running?: Running } = {};
    // It is kept under the name it was queued with, whatever a provider calls it.
    const onFinal = ({ native }: KeptResponse): void => {
      if (state.running !== undefined && native !== undefined) state.running.kept = { ...state.running.kept, native };
    };
    const prepared = await this.#desk.prepare(ask, { onFinal, isKept: false });
    // What is wrong with a request is said at once, not when somebody comes back for the answer.
    prepared.call.codec.decodeRequest(prepared.call.body);
    const { head } = prepared;
    const response = emptyResponse(head, { status: "queued" });
    const { previous_response_id: previousId } = ask.given;
    const kept: KeptResponse = {
      id: `resp_${head.id}`,
      tenant: ask.principal.tenant,
      keptAtMs: Date.now(),
      response,
      input: prepared.resolved.input,
      ...(typeof previousId === "string" && { previousId }),
      worker: { id: this.#workerId, beatAtMs: Date.now() },
    };
    const running: Running = {
      kept,
      head,
      events: [],
      listeners: new Set(),
      stop: new AbortController(),
      chars: 0,
      done: Promise.resolve(),
    };
    state.running = running;
    this.#running.set(keyOf(kept), running);
    this.#desk.log.keep(kept);
    this.#tell(running, { type: "response.created", response });
    this.#tell(running, { type: "response.queued", response });
    // Owned by `close`; it cannot reject.
    running.done = this.#run(running, prepared);
    return kept;
  }

  /** A kept response as it stands: what was under way in a process that is gone has failed. */
  standing(kept: KeptResponse): KeptResponse {
    const running = this.#running.get(keyOf(kept));
    if (running !== undefined) return running.kept;
    const { worker, response } = kept;
    if (worker === undefined) return kept;
    const mayBeElsewhere = this.#desk.isShared && worker.id !== this.#workerId && Date.now() - worker.beatAtMs < BEAT_BELIEVED_MS;
    if (mayBeElsewhere) return kept;
    return this.#end(kept, { ...response, status: "failed", error: { code: "server_error", message: LOST } });
  }

  /** Stops one that is under way; one that has ended stays as it is. */
  async cancel(kept: KeptResponse): Promise<KeptResponse> {
    const running = this.#running.get(keyOf(kept));
    if (running === undefined) return this.standing(kept);
    running.stop.abort(new AppError("cancelled", "the response was cancelled"));
    await running.done;
    return running.kept;
  }

  /** The events of a response after one of them, to its end. */
  async *follow(kept: KeptResponse, afterSequence: number, gone: AbortSignal): AsyncGenerator<JsonObject, void, undefined> {
    const running = this.#running.get(keyOf(kept));
    if (running === undefined) {
      yield* (kept.events ?? []).slice(afterSequence + 1);
      return;
    }
    const bell = new Bell();
    const ring = (): void => bell.ring();
    running.listeners.add(bell);
    gone.addEventListener("abort", ring);
    try {
      for (let next = afterSequence + 1; !gone.aborted;) {
        const event = running.events[next];
        if (event === undefined && running.kept.worker === undefined) return;
        if (event === undefined) await bell.wait();
        else {
          next += 1;
          yield event;
        }
      }
    } finally {
      running.listeners.delete(bell);
      gone.removeEventListener("abort", ring);
    }
  }

  /** Ends what is under way: it could not go on after this process. */
  async close(): Promise<void> {
    const all = [...this.#running.values()];
    for (const { stop } of all) stop.abort(new AppError("cancelled", LOST, { cause: { isClosing: true } }));
    await Promise.all(all.map(({ done }) => done));
  }

  async #run(running: Running, prepared: Prepared): Promise<void> {
    const beat = setInterval(() => this.#beat(running), BEAT_MS);
    beat.unref();
    try {
      for await (const text of this.#desk.events(prepared, running.stop.signal)) {
        running.chars += text.length;
        if (running.chars > EVENTS_CHARS_MAX)
          throw new AppError("too_large", `wanted a response of at most ${EVENTS_CHARS_MAX} characters of events, got a longer one`);
        this.#take(running, JSON.parse(text) as JsonObject);
      }
      if (running.kept.worker !== undefined) throw new AppError("upstream", "wanted a finished answer, got a stream that was cut off");
    } catch (thrown) {
      if (running.kept.worker !== undefined) this.#fail(running, thrown);
    } finally {
      clearInterval(beat);
      this.#running.delete(keyOf(running.kept));
      for (const bell of running.listeners) bell.ring();
    }
  }

  #beat(running: Running): void {
    if (!this.#desk.isShared || running.kept.worker === undefined) return;
    running.kept = { ...running.kept, worker: { id: this.#workerId, beatAtMs: Date.now() } };
    this.#desk.log.keep(running.kept);
  }

  /** One of the line's events as one of this response's: it was created, and named, before. */
  #take(running: Running, event: JsonObject): void {
    if (event.type === "response.created") return;
    if (running.stop.signal.aborted) throw running.stop.signal.reason;
    const { response } = event;
    if (!isObject(response)) return this.#tell(running, event);
    const own = this.#named(running, response);
    const isEnd = own.status !== "in_progress" && own.status !== "queued";
    this.#tell(running, { ...event, response: own });
    if (isEnd) running.kept = this.#end({ ...running.kept, ...keptEvents(running) }, own);
    else running.kept = { ...running.kept, response: own };
  }

  #named({ kept }: Running, response: JsonObject): JsonObject {
    const { previousId } = kept;
    const own = { ...response, id: kept.id, created_at: kept.response.created_at ?? null, background: true };
    return previousId === undefined ? own : { ...own, previous_response_id: previousId };
  }

  #fail(running: Running, thrown: unknown): void {
    const { signal } = running.stop;
    const isClosing = signal.aborted && isObject(AppError.from(signal.reason).cause);
    const isCancelled = signal.aborted && !isClosing;
    const { message } = wireError(isClosing ? new AppError("upstream", LOST) : thrown);
    const error = { code: "server_error", message };
    const response = emptyResponse(running.head, isCancelled ? { status: "cancelled" } : { status: "failed", error });
    if (!isCancelled) this.#tell(running, { type: "response.failed", response });
    running.kept = this.#end({ ...running.kept, ...keptEvents(running) }, response);
  }

  #tell(running: Running, event: JsonObject): void {
    running.events.push({ ...event, sequence_number: running.events.length });
    for (const bell of running.listeners) bell.ring();
  }

  #end(kept: KeptResponse, response: JsonObject): KeptResponse {
    const { worker: _worker, ...rest } = kept;
    const ended = { ...rest, response };
    this.#desk.log.keep(ended);
    return ended;
  }
}

const LOST = "the server was stopped while it made this response; ask again";

function keptEvents({ events, chars, head }: Running): { readonly events?: readonly JsonObject[] } {
  const isStreamed = isObject(head.body) && head.body.stream === true;
  return isStreamed && chars <= KEPT_EVENTS_CHARS_MAX ? { events } : {};
}

function keyOf({ tenant, id }: Pick<KeptResponse, "tenant" | "id">): string {
  return JSON.stringify([tenant, id]);
}

function isObject(value: unknown): value is { readonly [key: string]: Json } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
