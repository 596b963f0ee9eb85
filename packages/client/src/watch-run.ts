import { AppError, statusAfter, type Event } from "@tutti/core";
import { backoffMs } from "@tutti/core/resilience";
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
  const progress: Progress = { seq: options.afterSeq, attempt: 1 };
  for (;;) {
    try {
      yield* watchOnce(transport, { runId: options.runId, progress }, signal);
      return;
    } catch (thrown) {
      const error = signal.aborted ? new AppError("cancelled", "watching was cancelled", { cause: thrown }) : asBrokenStream(thrown);
      if (!error.isRetryable || progress.attempt >= ATTEMPTS_MAX) throw error;
    }
    await pause(backoffMs(progress.attempt, BACKOFF, Math.random()), signal);
    progress.attempt += 1;
  }
}

/** How far watching has come. */
interface Progress {
  seq: number;
  attempt: number;
}

/** Watches until the run has ended; throws when the stream ends or breaks before that. */
async function* watchOnce(
  transport: Transport,
  { runId, progress }: { readonly runId: string; readonly progress: Progress },
  signal: AbortSignal,
): AsyncGenerator<Event, void> {
  for await (const event of openFeed(transport, { runId, afterSeq: progress.seq }, signal)) {
    if (event.seq <= progress.seq) continue;
    if (event.seq > progress.seq + 1) throw new AppError("upstream", `wanted event ${progress.seq + 1}, got event ${event.seq}`);
    progress.seq = event.seq;
    progress.attempt = 1;
    yield event;
    if (isEnd(event)) return;
  }
  if (await hasEnded(transport, { runId, afterSeq: progress.seq }, signal)) return;
  throw new AppError(
    "upstream",
    `wanted the events of run ${runId} after ${progress.seq}, got a stream that ended ${progress.attempt} times; is a proxy cutting it?`,
  );
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
  return status === "completed" || status === "failed" || status === "cancelled" || status === "continued";
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
