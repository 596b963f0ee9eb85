import { AppError, defineWorkflow, type Engine, type Json, type RunContext, type Workflow } from "@tutti/core";
import { derivedId } from "../run-id.ts";
import { DEAD_LETTER, deadLetterSchema, dismissSchema, retrySchema, type DeadLetter, type Retry } from "./dead-letter.ts";

/** What dead letters need of the host: the engine they are run by, to begin runs that are none of their own. */
export interface DeadLetterParts {
  readonly engine: () => Pick<Engine, "fork" | "start">;
}

/** Where a dead letter stands, as queries see it. */
type DeadLetterState = {
  readonly status: "waiting" | "retrying";
  /** The newest failure; the first one stands in the input. */
  readonly error: DeadLetter["error"];
  /** How often it was tried in all. */
  readonly attempts: number;
  /** The newest attempt's run. */
  readonly runId: string | null;
};

type Answer =
  | { readonly type: "retry"; readonly retry: Retry }
  | { readonly type: "dismiss"; readonly reason: string; readonly by: string | null };

/** Retries that one letter may see; then it is left as it is. */
const RETRIES_MAX = 1_000;

/** Dead letters: one waiting run for each piece of work that failed for good. It ends when a retry succeeds, or when somebody dismisses it. */
export function deadLetterWorkflow(parts: DeadLetterParts): Workflow {
  return defineWorkflow<DeadLetter, Json>({
    name: DEAD_LETTER,
    version: "1",
    description: "Work that failed for good",
    input: deadLetterSchema,
    signals: { retry: retrySchema, dismiss: dismissSchema },
    async run(ctx, letter): Promise<Json> {
      let state: DeadLetterState = { status: "waiting", error: letter.error, attempts: letter.attempts ?? 1, runId: letter.runId ?? null };
      ctx.onQuery("state", () => state);
      await ctx.emit({ name: "tutti.dead-letter", key: letter.source, data: { id: ctx.runId, ...letter } });
      for (let retries = 1; retries <= RETRIES_MAX; retries += 1) {
        const answer = await nextAnswer(ctx);
        if (answer.type === "dismiss") return { outcome: "dismissed", reason: answer.reason, by: answer.by };
        state = { ...state, status: "retrying" };
        const attempt = await tryAgain(ctx, parts, { letter, runId: state.runId, retry: answer.retry });
        if (attempt.ok) return { outcome: "retried", runId: attempt.runId, by: answer.retry.by ?? null };
        state = { status: "waiting", error: attempt.error, attempts: state.attempts + 1, runId: attempt.runId ?? state.runId };
      }
      throw new AppError("conflict", `wanted at most ${RETRIES_MAX} retries of one dead letter, got more; start the work anew`);
    },
  });
}

function nextAnswer(ctx: RunContext): Promise<Answer> {
  return ctx.race<Answer>([
    async (branch) => ({ type: "retry", retry: (await branch.waitFor("retry")) as Retry }),
    async (branch) => {
      const { reason, by = null } = (await branch.waitFor("dismiss")) as { readonly reason: string; readonly by?: string };
      return { type: "dismiss", reason, by };
    },
  ]);
}

interface Work {
  readonly letter: DeadLetter;
  /** The newest run that failed. */
  readonly runId: string | null;
  readonly retry: Retry;
}

type Attempt =
  | { readonly ok: true; readonly runId: string }
  | { readonly ok: false; readonly runId: string | undefined; readonly error: DeadLetter["error"] };

/** One more attempt, to its end. A failure is a value: the letter waits on. */
async function tryAgain(ctx: RunContext, { engine }: DeadLetterParts, work: Work): Promise<Attempt> {
  let runId: string | undefined;
  try {
    runId = await ctx.step("begin again", async ({ idempotencyKey }) => begin(engine(), work, { ctx, idempotencyKey }));
    await ctx.join(runId);
    return { ok: true, runId };
  } catch (thrown) {
    if (ctx.signal.aborted) throw thrown;
    const { code, message } = AppError.from(thrown);
    return { ok: false, runId, error: { code, message } };
  }
}

async function begin(
  engine: ReturnType<DeadLetterParts["engine"]>,
  { letter, runId, retry }: Work,
  { ctx, idempotencyKey }: { readonly ctx: RunContext; readonly idempotencyKey: string },
): Promise<string> {
  const { principal } = ctx;
  const from = retry.from ?? (runId === null ? "start" : "step");
  const newId = derivedId(idempotencyKey);
  if (from === "step") {
    if (runId === null) throw nothingToRetry("a run to go on with");
    const fork = { runId: newId, ...(retry.input !== undefined && { input: retry.input }) };
    return (await engine.fork(runId, fork, principal)).runId;
  }
  if (letter.workflow === undefined) throw nothingToRetry("a workflow to start");
  const input = retry.input ?? letter.input ?? null;
  return (await engine.start(letter.workflow, input, { principal, runId: newId })).runId;
}

function nothingToRetry(what: string): AppError {
  return new AppError(
    "unsupported",
    `wanted a dead letter with ${what}, got one without; dismiss it, or repeat the work where it came from`,
  );
}
