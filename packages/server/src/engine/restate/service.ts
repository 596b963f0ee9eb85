import type { WorkflowContext, WorkflowSharedContext } from "@restatedev/restate-sdk";
import type { Mail, Outcome } from "./batch.ts";
import { drive, type DriverHost, type Submission } from "./driver.ts";

/** Restate asks a handler from which nothing was heard for so long to suspend. Turns come at least every minute while something runs. */
const INACTIVITY_MS = 150_000;
/** How long a handler may take to suspend. A broken connection ends it at once; this is for a worker that hangs. */
const ABORT_MS = 600_000;
/** How Restate tries an attempt again that broke off. It never gives up: a run is not lost because its workers were away for long. */
const RETRY = { initialInterval: 50, exponentiationFactor: 2, maxInterval: 5000 };
/** Mails of one run that may wait to be read. */
const MAILS_MAX = 100_000;

/** The Restate workflow behind every run. `run` drives it; `post` and `wake` bring it mail. */
export function runService(host: DriverHost) {
  const { sdk } = host;
  return sdk.workflow({
    name: host.service,
    options: {
      inactivityTimeout: INACTIVITY_MS,
      abortTimeout: ABORT_MS,
      retryPolicy: RETRY,
      explicitCancellation: true,
      onJournalMismatchErrors: "pause",
    },
    handlers: {
      run: (ctx: WorkflowContext, submission: Submission) => drive(ctx, submission, host),
      post: async (ctx: WorkflowSharedContext, mail: Mail): Promise<Outcome> => {
        const index = await put(ctx, mail);
        const ended = ctx
          .promise<boolean>("ended")
          .get()
          .map((): Outcome => ENDED);
        return sdk.RestatePromise.race([ctx.promise<Outcome>(`reply.${index}`).get(), ended]);
      },
      wake: async (ctx: WorkflowSharedContext): Promise<void> => void (await put(ctx, { type: "wake" })),
    },
  });
}

const ENDED: Outcome = { ok: false, code: "conflict", message: "wanted an unfinished run, got one that has just ended", isEnded: true };

/** Gives a mail the next free number: each is a promise that only one can resolve. */
async function put(ctx: WorkflowSharedContext, mail: Mail): Promise<number> {
  const first = (await ctx.get<number>("mails")) ?? 0;
  for (let index = first; index < first + MAILS_MAX; index += 1) {
    if (await isTaken(ctx.promise<Mail>(`mail.${index}`).resolve(mail))) continue;
    return index;
  }
  throw new Error(`more than ${MAILS_MAX} mails wait for the run`);
}

/** Restate answers 409 when somebody else has resolved the promise. */
async function isTaken(resolving: Promise<void>): Promise<boolean> {
  try {
    await resolving;
    return false;
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === 409) return true;
    throw error;
  }
}
