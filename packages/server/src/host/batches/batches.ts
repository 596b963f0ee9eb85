import { AppError, enforce, parse, type Action, type Decision, type Engine, type Principal, type RunRecord, type Store } from "@tutti/core";
import { z } from "zod";
import { BATCH_ENDPOINTS } from "./batch-lines.ts";
import { BATCH, batchInput, newBatch, seconds, type BatchInput, type BatchView } from "./batch-state.ts";
import { batchIdOf, batchWorkflow, runIdOf, type AskBatchLine } from "./batch-workflow.ts";
import type { Files } from "./files.ts";

const HOUR_MS = 3_600_000;
const METADATA_MAX = 16;
/** Runs that one list looks at, for those of the tenant. */
const LOOKS_MAX = 1_000;
const PAGE = 100;

/** What a client sends. OpenAI knows "24h" only; any number of hours or days up to a week is taken. */
const createSchema = z.object({
  input_file_id: z.string("the id of a file"),
  endpoint: z.enum(BATCH_ENDPOINTS, `one of ${BATCH_ENDPOINTS.join(", ")}`),
  completion_window: z.string().regex(/^(?:[1-9]|[1-9]\d|1[0-5]\d|16[0-8])h$|^[1-7]d$/, 'a time such as "24h", at most 7 days'),
  metadata: z
    .record(z.string().max(64), z.string().max(512))
    .refine((value) => Object.keys(value).length <= METADATA_MAX, `at most ${METADATA_MAX} pairs`)
    .nullish(),
  output_expires_after: z.object({ anchor: z.literal("created_at"), seconds: z.int().min(3_600).max(2_592_000) }).optional(),
});

/** A batch with its id. */
export type Batch = BatchView & { readonly id: string };

/** What batches need. `decide` is the policies' word on who may cancel one. */
export interface BatchesParts {
  readonly files: Files;
  readonly store: Store;
  readonly engine: () => Engine;
  readonly decide: (action: Action) => Decision;
}

/** The batches there are. Each is one run of `tutti.batch`, and a tenant sees its own. */
export class Batches {
  readonly files: Files;
  readonly workflow: ReturnType<typeof batchWorkflow>;
  readonly #parts: BatchesParts;
  readonly #gateway = Promise.withResolvers<AskBatchLine>();

  constructor(parts: BatchesParts) {
    this.#parts = parts;
    this.files = parts.files;
    const ask: AskBatchLine = async (line, signal) => (await orAborted(this.#gateway.promise, signal))(line, signal);
    this.workflow = batchWorkflow({ files: parts.files, store: parts.store, ask });
  }

  /** Tells by what way requests are asked; batches that go on after a start wait for this. */
  askThrough(ask: AskBatchLine): void {
    this.#gateway.resolve(ask);
  }

  /** Begins a batch over a file that was uploaded for it. */
  async create(body: unknown, principal: Principal): Promise<Batch> {
    const asked = await parse(createSchema, body, "the batch");
    const file = await this.files.get(principal.tenant, asked.input_file_id);
    if (file.purpose !== "batch")
      throw new AppError("invalid_input", `input_file_id: wanted a file uploaded with the purpose "batch", got "${file.purpose}"`, {
        cause: { param: "input_file_id" },
      });
    const window = asked.completion_window;
    const input: BatchInput = {
      tenant: principal.tenant,
      inputFileId: file.id,
      endpoint: asked.endpoint,
      window,
      windowMs: Number.parseInt(window, 10) * (window.endsWith("d") ? 24 : 1) * HOUR_MS,
      createdAtMs: Date.now(),
      metadata: asked.metadata ?? null,
      outputExpiresAfterS: asked.output_expires_after?.seconds ?? null,
    };
    const { runId } = await this.#parts.engine().start(BATCH, input, { principal });
    return { id: batchIdOf(runId), ...newBatch(input) };
  }

  /** One batch of the tenant, or `not_found`. */
  async get(batchId: string, principal: Principal): Promise<Batch> {
    const runId = runIdOf(batchId);
    const record = runId === undefined ? undefined : await this.#parts.store.run(runId);
    const found = record?.workflow === BATCH ? await this.#view(record, principal) : undefined;
    if (found !== undefined) return found;
    throw new AppError("not_found", `wanted a batch, got "${batchId.slice(0, 100)}", which is none; \`GET /v1/batches\` lists them`);
  }

  /** The tenant's batches, newest first. `after` is the last one of the page before. */
  async list(
    {
      after,
      limit,
      keep = () => true,
    }: { readonly after?: string | undefined; readonly limit: number; readonly keep?: (batch: Batch) => boolean },
    principal: Principal,
  ): Promise<{ readonly batches: readonly Batch[]; readonly hasMore: boolean }> {
    const batches: Batch[] = [];
    let beforeId = after === undefined ? undefined : runIdOf(after);
    for (let looked = 0; looked < LOOKS_MAX; looked += PAGE) {
      const runs = await this.#parts.store.runs({ workflow: BATCH, limit: PAGE, ...(beforeId !== undefined && { beforeId }) });
      for (const run of runs) {
        const batch = await this.#view(run, principal);
        if (batch === undefined || !keep(batch)) continue;
        if (batches.length === limit) return { batches, hasMore: true };
        batches.push(batch);
      }
      if (runs.length < PAGE) break;
      beforeId = runs.at(-1)?.id;
    }
    return { batches, hasMore: false };
  }

  /** Stops a batch: what was answered by now stands in its files. One that has ended is left as it is. */
  async cancel(batchId: string, principal: Principal): Promise<Batch> {
    const batch = await this.get(batchId, principal);
    const action: Action = { kind: "run.control", principal, resource: BATCH };
    enforce(action, this.#parts.decide(action));
    if (!isUnderWay(batch)) return batch;
    const service: Principal = { id: "service:batches", tenant: principal.tenant, roles: ["owner"] };
    // The same word twice is one.
    await this.#parts.engine().signal(runIdOf(batchId) ?? "", { name: "cancel", value: null, id: "cancel" }, service);
    return { ...batch, status: "cancelling", cancelling_at: batch.cancelling_at ?? seconds(Date.now()) };
  }

  /** `undefined` for another tenant's. */
  async #view(run: RunRecord, { tenant }: Principal): Promise<Batch | undefined> {
    const [first] = await this.#parts.store.read(run.id, { afterSeq: 0, limit: 1 });
    const input = first?.type === "run.started" ? batchInput.safeParse(first.input).data : undefined;
    if (input?.tenant !== tenant) return undefined;
    return { id: batchIdOf(run.id), ...(await this.#viewOf(run, input)) };
  }

  async #viewOf(run: RunRecord, input: BatchInput): Promise<BatchView> {
    const engine = this.#parts.engine();
    if (run.status === "completed") return (await engine.result(run.id, AbortSignal.timeout(HOUR_MS))) as unknown as BatchView;
    const endedAt = run.endedAt === null ? null : seconds(Date.parse(run.endedAt));
    // Somebody ended the run itself, past the batch.
    if (run.status === "cancelled") return { ...newBatch(input), status: "cancelled", cancelled_at: endedAt };
    if (run.status === "failed")
      return { ...newBatch(input), status: "failed", failed_at: endedAt, errors: await failureOf(engine, run.id) };
    // A run that has not begun knows nothing yet.
    return engine.query(run.id, "batch").then(
      (view) => view as unknown as BatchView,
      () => newBatch(input),
    );
  }
}

async function failureOf(engine: Engine, runId: string): Promise<BatchView["errors"]> {
  const error = await engine.result(runId, AbortSignal.timeout(HOUR_MS)).then(
    () => new AppError("internal", "the batch failed"),
    (thrown: unknown) => AppError.from(thrown),
  );
  return { object: "list", data: [{ code: error.code, message: error.message, param: null, line: null }] };
}

/** Whether a batch can still be stopped. */
export function isUnderWay({ status }: BatchView): boolean {
  return status === "validating" || status === "in_progress" || status === "finalizing" || status === "cancelling";
}

function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => reject(AppError.from(signal.reason));
    if (signal.aborted) onAbort();
    signal.addEventListener("abort", onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", onAbort));
  });
}
