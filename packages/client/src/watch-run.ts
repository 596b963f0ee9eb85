import { AppError, backoffMs, statusAfter, type Event } from "@tutti/core";
import type { RunDetails } from "./replies.ts";
import { readServerEvents } from "./server-events.ts";
import type { Transport } from "./transport.ts";

/** How often a broken stream is opened again before giving up. Every event that arrives starts the count anew. */
const ATTEMPTS_MAX = 8;
const BACKOFF = { delayMs: 200, delayMaxMs: 10_000 } as const;

/** Which run to watch; events up to `afterSeq` are known already. */
export interface WatchOptions {
  readonly runId: string;
  readonly afterSeq: number;
}

/**
 * A run's events, those that were and those to come, until the run has ended: each once and in order, whatever happens to the connection.
 * A paused run has not ended; whoever does not want to wait stops iterating.
 */
export async function* watchRun(transport: Transport, options: WatchOptions, signal: AbortSignal): AsyncGenerator<Event, void> {
  let seq = options.afterSeq;
  for (let attempt = 1; ; attempt += 1) {
    try {
      for await (const event of openFeed(transport, { runId: options.runId, afterSeq: seq }, signal)) {
        if (event.seq <= seq) continue;
        if (event.seq > seq + 1) throw new AppError("upstream", `wanted event ${seq + 1}, got event ${event.seq}`);
        seq = event.seq;
        attempt = 1;
        yield event;
        if (isEnd(event)) return;
      }
      if (await hasEnded(transport, { runId: options.runId, afterSeq: seq }, signal)) return;
      if (attempt >= ATTEMPTS_MAX)
        throw new AppError(
          "upstream",
          `wanted the events of run ${options.runId} after ${seq}, got a stream that ended ${attempt} times; is a proxy cutting it?`,
        );
    } catch (thrown) {
      const error = signal.aborted ? new AppError("cancelled", "watching was cancelled", { cause: thrown }) : asBrokenStream(thrown);
      if (!error.isRetryable || attempt >= ATTEMPTS_MAX) throw error;
    }
    await pause(backoffMs(attempt, BACKOFF, Math.random()), signal);
  }
}

async function* openFeed(transport: Transport, { runId, afterSeq }: WatchOptions, signal: AbortSignal): AsyncGenerator<Event> {
  const path = `/v1/runs/${encodeURIComponent(runId)}/events`;
  const headers = { accept: "text/event-stream", ...(afterSeq > 0 && { "last-event-id": String(afterSeq) }) };
  for await (const { data } of readServerEvents(await transport.stream({ path, headers }, signal))) yield JSON.parse(data) as Event;
}

/** A stream may end without a run's last event only because the run had ended before it was opened. */
async function hasEnded(transport: Transport, { runId, afterSeq }: WatchOptions, signal: AbortSignal): Promise<boolean> {
  const { run } = await transport.json<RunDetails>({ path: `/v1/runs/${encodeURIComponent(runId)}` }, signal);
  return run.endedAt !== null && afterSeq >= run.events;
}

function isEnd(event: Event): boolean {
  const status = statusAfter(event);
  return status === "completed" || status === "failed" || status === "cancelled";
}

/** A stream that breaks while it is read throws whatever the platform throws. */
function asBrokenStream(thrown: unknown): AppError {
  return thrown instanceof AppError ? thrown : new AppError("upstream", "the stream of events broke", { cause: thrown });
}

async function pause(ms: number, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  signal.addEventListener("abort", () => resolve(), { once: true });
  await promise;
  clearTimeout(timer);
}
