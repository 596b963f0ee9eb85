import type { Client } from "@tutti/client";
import { AppError } from "@tutti/core";

/** Enough for a sentence after some thinking. */
const TOKENS_MAX = 1_024;

/** How a model is measured. */
export interface BenchSettings {
  readonly model: string;
  readonly requests: number;
  readonly concurrency: number;
  readonly question: string;
}

/** What was measured; times in ms, by the client's clock. */
export interface BenchResult {
  readonly requests: number;
  readonly failures: number;
  readonly concurrency: number;
  readonly durationMs: number;
  readonly firstTokenMs: Spread;
  readonly totalMs: Spread;
  /** Of one answer, after its first token. */
  readonly tokensPerSecond: Spread;
  /** Of all answers together. */
  readonly tokensPerSecondInAll: number;
  readonly requestsPerSecond: number;
  readonly error?: string;
}

/** The middle, and what nine and ninety-nine in a hundred stay under. */
interface Spread {
  readonly p50: number;
  readonly p90: number;
  readonly p99: number;
}

interface Timed {
  readonly firstTokenMs: number;
  readonly totalMs: number;
  readonly tokens: number;
}

/** Asks the same question again and again, so many at once; the first answer, which may have to load the model, does not count. */
export async function bench(
  client: Client,
  settings: BenchSettings,
  { signal, onDone }: { readonly signal: AbortSignal; readonly onDone: (count: number) => void },
): Promise<BenchResult> {
  await askOnce(client, settings, signal);
  const timed: Timed[] = [];
  const errors: AppError[] = [];
  let begun = 0;
  const startMs = performance.now();
  const lane = async (): Promise<void> => {
    while (begun < settings.requests && !signal.aborted) {
      begun += 1;
      await askOnce(client, settings, signal).then(
        (one) => timed.push(one),
        (error: unknown) => errors.push(AppError.from(error)),
      );
      onDone(timed.length + errors.length);
    }
  };
  await Promise.all(Array.from({ length: settings.concurrency }, lane));
  signal.throwIfAborted();
  return summed({ settings, timed, errors, durationMs: performance.now() - startMs });
}

/** What is looked at of a streamed chunk in OpenAI's format. */
interface Chunk {
  readonly choices?: readonly { readonly delta?: object }[];
  readonly usage?: { readonly completion_tokens?: number } | null;
}

async function askOnce(client: Client, { model, question }: BenchSettings, signal: AbortSignal): Promise<Timed> {
  const startMs = performance.now();
  let firstTokenMs = 0;
  let chunks = 0;
  let counted = 0;
  const messages = [{ role: "user", content: question }];
  const body = { model, messages, max_tokens: TOKENS_MAX, stream_options: { include_usage: true } };
  for await (const part of client.streamCompletion(body, signal)) {
    const { choices: [{ delta = {} } = {}] = [], usage } = part as Chunk;
    if (Object.values(delta).some((value) => value !== "" && value !== null && value !== "assistant")) {
      if (chunks === 0) firstTokenMs = performance.now() - startMs;
      chunks += 1;
    }
    counted = usage?.completion_tokens ?? counted;
  }
  if (chunks === 0) throw new AppError("upstream", "wanted an answer, got an empty one");
  return { firstTokenMs, totalMs: performance.now() - startMs, tokens: counted || chunks };
}

function summed({
  settings,
  timed,
  errors,
  durationMs,
}: {
  readonly settings: BenchSettings;
  readonly timed: readonly Timed[];
  readonly errors: readonly AppError[];
  readonly durationMs: number;
}): BenchResult {
  const [first] = errors;
  const tokens = timed.reduce((sum, one) => sum + one.tokens, 0);
  return {
    requests: timed.length + errors.length,
    failures: errors.length,
    concurrency: settings.concurrency,
    durationMs,
    firstTokenMs: spread(timed.map((one) => one.firstTokenMs)),
    totalMs: spread(timed.map(({ totalMs }) => totalMs)),
    tokensPerSecond: spread(timed.map((one) => (one.tokens * 1_000) / Math.max(1, one.totalMs - one.firstTokenMs))),
    tokensPerSecondInAll: (tokens * 1_000) / Math.max(1, durationMs),
    requestsPerSecond: (timed.length * 1_000) / Math.max(1, durationMs),
    ...(first !== undefined && { error: `${first.code}: ${first.message}` }),
  };
}

function spread(values: readonly number[]): Spread {
  const sorted = values.toSorted((a, b) => a - b);
  const share = (part: number): number => sorted[Math.min(sorted.length - 1, Math.ceil(part * sorted.length) - 1)] ?? 0;
  return { p50: share(0.5), p90: share(0.9), p99: share(0.99) };
}
