import { AppError, defineWorkflow, type BlobRef, type Branch, type Json, type Principal, type RunContext, type Store } from "@tutti/core";
import { z } from "zod";
import { findLines, lineAt, type BatchEndpoint, type BatchPlaces } from "./batch-lines.ts";
import { BATCH, batchInput, newBatch, seconds, tokensIn, usageOf, type BatchInput, type BatchView, type Tokens } from "./batch-state.ts";
import { derivedFileId, type Files } from "./files.ts";

/** Requests of one batch that are under way at once. */
const LINES_AT_ONCE = 8;
/** A provider that is down or asks to wait is asked again, for about ten minutes altogether. */
const ATTEMPTS_MAX = 10;
const BACKOFF = { delayMs: 1_000, delayMaxMs: 120_000 };
/** Reasoning models take their time. */
const ATTEMPT_MS = 30 * 60_000;

/** One request of a batch, as the gateway is asked it. */
export interface BatchAsk {
  readonly endpoint: BatchEndpoint;
  readonly body: { readonly [key: string]: Json };
  readonly principal: Principal;
}

/** What the gateway answered. */
export interface BatchAnswer {
  readonly status: number;
  readonly requestId: string;
  readonly body: Json;
}

/** Asks the gateway. */
export type AskBatchLine = (ask: BatchAsk, signal: AbortSignal) => Promise<BatchAnswer>;

/** What a batch needs. */
export interface BatchParts {
  readonly files: Files;
  readonly store: Pick<Store, "putBlob" | "getBlob">;
  readonly ask: AskBatchLine;
}

/** What the journal keeps of an answer; the line of the output file that it becomes stands among the large values. */
interface Answered {
  readonly isOk: boolean;
  readonly line: BlobRef;
  readonly tokens: Tokens;
}

/** How the work on a batch ended; "failed" when its file was deleted meanwhile. */
type Ending = "completed" | "expired" | "cancelled" | "failed";

/** A request that was not answered, and why. */
const UNANSWERED: Readonly<Record<"expired" | "cancelled", { readonly code: string; readonly message: string }>> = {
  expired: { code: "batch_expired", message: "This request could not be executed before the completion window expired." },
  cancelled: { code: "batch_cancelled", message: "This request was not executed because the batch was cancelled." },
};

/**
 * A batch: one run in which every request of the file is a step. What was recorded is never asked again; what was under way when the
 * process died is.
 */
export function batchWorkflow(parts: BatchParts): ReturnType<typeof defineWorkflow<BatchInput, Json>> {
  return defineWorkflow<BatchInput, Json>({
    name: BATCH,
    version: "1",
    description: "The requests of a file, asked one by one",
    input: batchInput,
    signals: { cancel: z.null() },
    run: (ctx, input) => new Batch(ctx, input, parts).run(),
  });
}

/** One batch on its way. Its fields follow from what the journal returns alone, so that a replay comes to the same. */
class Batch {
  readonly #ctx: RunContext;
  readonly #input: BatchInput;
  readonly #parts: BatchParts;
  readonly #answers: (Answered | undefined)[] = [];
  #view: BatchView;
  #tokens: Tokens = { input: 0, output: 0 };

  constructor(ctx: RunContext, input: BatchInput, parts: BatchParts) {
    this.#ctx = ctx;
    this.#input = input;
    this.#parts = parts;
    this.#view = newBatch(input);
  }

  async run(): Promise<Json> {
    this.#ctx.onQuery("batch", () => this.#view as unknown as Json);
    const { places, mistakes } = await this.#ctx.step<BatchPlaces & Json>("look through the requests", () => this.#look());
    const begunAt = await this.#now();
    const total = places.length / 2;
    if (mistakes.length > 0) return this.#become({ status: "failed", failed_at: begunAt, errors: { object: "list", data: mistakes } });
    this.#become({ status: "in_progress", in_progress_at: begunAt, request_counts: { total, completed: 0, failed: 0 } });
    const ending = await this.#ctx
      .race([(branch) => this.#askAll(branch, places), ...this.#stops()])
      .catch((thrown: unknown) => this.#lost(thrown));
    const finalizingAt = await this.#now();
    this.#become(
      ending === "cancelled"
        ? { status: "cancelling", cancelling_at: finalizingAt }
        : { status: "finalizing", finalizing_at: finalizingAt },
    );
    const written = await this.#ctx.step("write the output", () => this.#write(places, ending));
    const endedAt = await this.#now();
    return this.#become({ ...written, status: ending, ...ENDS[ending](endedAt) });
  }

  #become(changes: Partial<BatchView>): Json {
    this.#view = { ...this.#view, ...changes };
    return this.#view as unknown as Json;
  }

  async #now(): Promise<number> {
    return seconds((await this.#ctx.now()).getTime());
  }

  async #look(): Promise<BatchPlaces & Json> {
    const { files } = this.#parts;
    const { tenant, inputFileId, endpoint } = this.#input;
    await using file = await files.open(tenant, inputFileId);
    return (await findLines(file, endpoint)) as BatchPlaces & Json;
  }

  #stops(): readonly Branch<Ending>[] {
    const { createdAtMs, windowMs } = this.#input;
    return [
      async (branch) => {
        await branch.waitFor("cancel", { isQuiet: true });
        return "cancelled";
      },
      async (branch) => {
        await branch.sleepUntil(new Date(createdAtMs + windowMs));
        return "expired";
      },
    ];
  }

  /** Without its file a batch cannot go on; what was answered by then is kept. */
  #lost(thrown: unknown): Ending {
    const { code, message } = AppError.from(thrown);
    if (code !== "not_found") throw thrown;
    this.#become({ errors: { object: "list", data: [{ code, message, param: "input_file_id", line: null }] } });
    return "failed";
  }

  async #askAll(branch: RunContext, places: readonly number[]): Promise<Ending> {
    const numbers = Array.from({ length: places.length / 2 }, (_, index) => index);
    await branch.map(numbers, (line, number) => this.#askOne(line, number, places), { concurrency: LINES_AT_ONCE });
    return "completed";
  }

  async #askOne(ctx: RunContext, number: number, places: readonly number[]): Promise<void> {
    const answered = await ctx.step<Answered & Json>(
      `request ${number + 1}`,
      ({ signal, attempt }) => this.#ask(places.slice(number * 2, number * 2 + 2), attempt, signal) as Promise<Answered & Json>,
      { attemptsMax: ATTEMPTS_MAX, backoff: BACKOFF, timeoutMs: ATTEMPT_MS, nonRetryable: ["not_found"] },
    );
    this.#answers[number] = answered;
    const { input, output } = answered.tokens;
    this.#tokens = { input: this.#tokens.input + input, output: this.#tokens.output + output };
    const { total, completed, failed } = this.#view.request_counts;
    const counts = answered.isOk ? { total, completed: completed + 1, failed } : { total, completed, failed: failed + 1 };
    this.#become({ request_counts: counts, usage: usageOf(this.#tokens) });
  }

  async #ask([start = 0, end = 0]: readonly number[], attempt: number, signal: AbortSignal): Promise<Answered> {
    const { files, store, ask } = this.#parts;
    const { tenant, inputFileId, endpoint } = this.#input;
    const { custom_id: customId, body } = await readLine(files, { tenant, id: inputFileId, start, end });
    const answer = await ask({ endpoint, body, principal: this.#ctx.principal }, signal).catch((thrown: unknown) => {
      // The run was stopped: whatever was under way is asked again when it goes on.
      if (signal.aborted || attempt < ATTEMPTS_MAX) throw thrown;
      const { code, message } = AppError.from(thrown);
      return { status: 500, requestId: "", body: { error: { message, type: "server_error", param: null, code } } };
    });
    if (attempt < ATTEMPTS_MAX && (answer.status === 429 || answer.status >= 500))
      throw new AppError("upstream", `wanted an answer, got status ${answer.status}; it is asked again`);
    const { status, requestId, body: answerBody } = answer;
    const response = { status_code: status, request_id: requestId, body: answerBody };
    const line = outputLine({ customId, number: start, response, error: null });
    return { isOk: status < 300, line: await store.putBlob(line), tokens: tokensIn(answerBody) };
  }

  /** Both files have ids that follow from the batch, so a second try after a crash writes the same ones again. */
  async #write(places: readonly number[], ending: Ending): Promise<{ output_file_id: string | null; error_file_id: string | null }> {
    const { completed, failed, total } = this.#view.request_counts;
    const hasFailures = failed > 0 || ((ending === "expired" || ending === "cancelled") && completed < total);
    return {
      output_file_id: completed === 0 ? null : await this.#writeFile("output", this.#answeredLines(places, true)),
      error_file_id: hasFailures ? await this.#writeFile("error", this.#failedLines(places, ending)) : null,
    };
  }

  async #writeFile(what: "output" | "error", lines: AsyncIterable<string>): Promise<string> {
    const { tenant, createdAtMs, outputExpiresAfterS } = this.#input;
    const { runId } = this.#ctx;
    const name = `${batchIdOf(runId)}_${what}.jsonl`;
    const id = derivedFileId(createdAtMs, `${runId} ${what}`);
    return (await this.#parts.files.put(tenant, { id, name, purpose: "batch_output", expiresAfterS: outputExpiresAfterS }, lines)).id;
  }

  async *#answeredLines(places: readonly number[], isOk: boolean): AsyncGenerator<string> {
    for (let number = 0; number < places.length / 2; number += 1) {
      const answer = this.#answers[number];
      if (answer?.isOk === isOk) yield `${await this.#parts.store.getBlob(answer.line)}\n`;
    }
  }

  async *#failedLines(places: readonly number[], ending: Ending): AsyncGenerator<string> {
    yield* this.#answeredLines(places, false);
    if (ending === "completed" || ending === "failed") return;
    const { tenant, inputFileId } = this.#input;
    for (let number = 0; number < places.length / 2; number += 1) {
      if (this.#answers[number] !== undefined) continue;
      const [start = 0, end = 0] = places.slice(number * 2, number * 2 + 2);
      const { custom_id: customId } = await readLine(this.#parts.files, { tenant, id: inputFileId, start, end });
      yield `${outputLine({ customId, number: start, response: null, error: UNANSWERED[ending] })}\n`;
    }
  }
}

const ENDS: Readonly<Record<Ending, (at: number) => Partial<BatchView>>> = {
  completed: (at) => ({ completed_at: at }),
  expired: (at) => ({ expired_at: at }),
  cancelled: (at) => ({ cancelled_at: at }),
  failed: (at) => ({ failed_at: at }),
};

async function readLine(
  files: Files,
  { tenant, id, start, end }: { readonly tenant: string; readonly id: string; readonly start: number; readonly end: number },
): Promise<ReturnType<typeof lineAt>> {
  await using file = await files.open(tenant, id);
  return lineAt(file, start, end);
}

/** A line of an output or error file. `number` makes its id, which no client asks for again. */
function outputLine(line: {
  readonly customId: string;
  readonly number: number;
  readonly response: Json;
  readonly error: { readonly code: string; readonly message: string } | null;
}): string {
  const { customId, number, response, error } = line;
  return JSON.stringify({ id: `batch_req_${number}`, custom_id: customId, response, error });
}

/** A batch's id is its run's. */
export function batchIdOf(runId: string): string {
  return `batch_${runId.replaceAll("-", "")}`;
}

/** The run of a batch by its id, or `undefined`. */
export function runIdOf(batchId: string): string | undefined {
  const found = /^(?:batch|msgbatch)_([0-9a-f]{8})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{4})([0-9a-f]{12})$/.exec(batchId);
  return found?.slice(1).join("-");
}
