import type { RestatePromise, WorkflowContext } from "@restatedev/restate-sdk";
import { AppError, type BlobRef, type EventDraft, type Json, type StartOptions, type Store } from "@tutti/core";
import { isEnd, outcomeOf, type Batch, type Mail } from "./batch.ts";
import type { Attempt, Claim, Owner } from "./owner.ts";
import type { Sdk } from "./sdk.ts";

/** What is larger stands in the blob store: Restate loads a run's whole journal into memory, and by default allows it 32 MiB. */
const INLINE_MAX = 8 * 1024;

/**
 * How a run begins: it is started (a large input is a reference), or goes on from a log, which is in the store or, as far as it is not yet,
 * here.
 */
export type Submission =
  | { readonly type: "start"; readonly workflow: string; readonly input: Json; readonly options: Omit<StartOptions, "onPart" | "runId"> }
  | { readonly type: "log"; readonly events: Journaled<readonly EventDraft[]> };

/** What drives runs in this process. */
export interface DriverHost {
  readonly sdk: Sdk;
  /** The name of the one Restate workflow that drives every run. Its key is the run's id. */
  readonly service: string;
  readonly store: Store;
  /** The owner of a run here, made when there is none. */
  owner(runId: string, submission: Submission): Owner;
  /** Tells other runs of this one's end: those that wait for it, and those that were only there for it. */
  tellOthers(runId: string): Promise<void>;
}

/** What stands in Restate for something: itself, or where it is when it is large. */
export type Journaled<T> = T | BlobRef;

/**
 * Drives one run. Restate's journal holds turns: what happened since the last one, as events. So Restate sees the same few commands whatever
 * the workflow does, a changed workflow is for the engine to find, and the log of the run is the same as on the embedded engine.
 */
export async function drive(ctx: WorkflowContext, submission: Submission, host: DriverHost): Promise<void> {
  const { RestatePromise: promises } = host.sdk;
  const journal = new Journal(ctx.key, host.store, submission.type === "log" ? await fromRestate(host.store, submission.events) : []);
  const attempt: Attempt = { mail: undefined };
  let owner: Owner | undefined;
  ctx.request().attemptCompletedSignal.addEventListener("abort", () => owner?.detach(attempt));
  let letter = ctx.promise<Mail>("mail.0").get();
  for (let turn = 1; ; turn += 1) {
    const claim = journal.claim(turn);
    const taking = ctx.run(`turn ${turn}`, () =>
      journal.write(() => {
        owner = host.owner(ctx.key, submission);
        return owner.next(attempt, claim);
      }),
    );
    const mail = await promises.race([taking.map(() => undefined), letter.map((value) => value)]);
    if (mail !== undefined) {
      attempt.mail = { index: journal.mails, mail };
      owner?.ring();
    }
    const batch = await journal.add(await taking);
    owner?.done(attempt, turn);
    if (batch.reply !== undefined) {
      attempt.mail = undefined;
      void ctx.promise<Json>(`reply.${batch.reply.mail}`).resolve({ ...batch.reply.outcome });
      ctx.set("mails", journal.mails);
      letter = ctx.promise<Mail>(`mail.${journal.mails}`).get();
    }
    if (batch.events.some(isEnd)) break;
    if (batch.idleUntilMs === undefined) continue;
    await journal.store();
    await idle(ctx, { promises, letter, untilMs: batch.idleUntilMs });
  }
  await journal.store();
  await host.tellOthers(ctx.key);
  // The mail that ended the run: its answer was to come in the next turn.
  const { applied } = journal.claim(0);
  if (applied?.mail === journal.mails) void ctx.promise<Json>(`reply.${applied.mail}`).resolve({ ...applied.outcome });
  void ctx.promise<boolean>("ended").resolve(true);
  owner?.close(new AppError("conflict", "the run has ended"));
}

/** Waits for mail or for the soonest wait's end. Restate takes the run out of memory meanwhile. */
async function idle(
  ctx: WorkflowContext,
  wait: { readonly promises: Sdk["RestatePromise"]; readonly letter: RestatePromise<Mail>; readonly untilMs: number | null },
): Promise<void> {
  const { promises, letter, untilMs } = wait;
  const nothing = (): undefined => undefined;
  const timers = untilMs === null ? [] : [ctx.sleep(Math.max(0, untilMs - Date.now())).map(nothing)];
  await promises.race([letter.map(nothing), ...timers]);
}

/** A run's turns as Restate gives them back, and their events on the way to the store. */
class Journal {
  readonly #runId: string;
  readonly #store: Store;
  #unstored: EventDraft[];
  #storedSeq: number | undefined;
  #last: Batch | undefined;
  #applied: Claim["applied"];
  #mails = 0;
  #isLive = false;

  constructor(runId: string, store: Store, beginning: readonly EventDraft[]) {
    this.#runId = runId;
    this.#store = store;
    this.#unstored = [...beginning];
  }

  /** How many mails were done and answered. */
  get mails(): number {
    return this.#mails;
  }

  claim(turn: number): Claim {
    return { turn, last: this.#last, applied: this.#applied };
  }

  /** Makes the next turn, in the form in which Restate keeps it. Only called where the journal ends. */
  async write(next: () => Promise<Batch>): Promise<Journaled<Batch>> {
    await this.store();
    this.#isLive = true;
    return toRestate(this.#store, await next());
  }

  /** Reads a turn that Restate has. Its events are in the store when this resolves, unless older turns are being read back. */
  async add(journaled: Journaled<Batch>): Promise<Batch> {
    const batch = await fromRestate(this.#store, journaled);
    this.#last = batch;
    if (batch.applied !== undefined) this.#applied = { mail: batch.applied, outcome: outcomeOf(batch.events) };
    if (batch.reply !== undefined) this.#mails = batch.reply.mail + 1;
    this.#unstored.push(...batch.events);
    if (this.#isLive) await this.store();
    return batch;
  }

  /** Copies what is not in the store yet; Restate forgets its journal a day after the run's end. */
  async store(): Promise<void> {
    const events = this.#unstored;
    if (events.length === 0) return;
    this.#storedSeq ??= (await this.#store.run(this.#runId))?.events ?? 0;
    const storedSeq = this.#storedSeq;
    const missing = events.filter(({ seq }) => seq > storedSeq);
    if (missing.length > 0) await this.#store.append(missing);
    this.#storedSeq = Math.max(storedSeq, missing.at(-1)?.seq ?? 0);
    this.#unstored = [];
  }
}

/** Puts something into the form in which Restate keeps it. */
export async function toRestate<T extends object>(store: Store, value: T): Promise<Journaled<T>> {
  const text = JSON.stringify(value);
  return text.length > INLINE_MAX ? store.putBlob(text) : value;
}

/** Reads it back. */
async function fromRestate<T extends object>(store: Store, journaled: Journaled<T>): Promise<T> {
  return "$blob" in journaled ? (JSON.parse(await store.getBlob(journaled)) as T) : journaled;
}
