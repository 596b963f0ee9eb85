import { AppError, canonicalJson, type BlobRef, type Event, type Json, type Store } from "@tutti/core";
import { systemClock, type Clock } from "../clock.ts";

/** Larger values stand in the blob store, and the journal holds a reference. In UTF-16 code units, which is at least a third of the bytes. */
const INLINE_MAX = 64 * 1024;

/** The largest value a step, a signal or a run may give, unless set otherwise; in UTF-16 code units of its JSON. */
const VALUE_MAX = 64 * 1024 * 1024;
/** How long a value waits when the blob store cannot take it, as the journal does on a full disk. */
const FULL_DISK_WAIT_MS = 1000;

/** Moves large values between the journal and the blob store. */
export class Payloads {
  readonly #store: Store;
  readonly #clock: Clock;

  constructor(store: Store, clock: Clock = systemClock) {
    this.#store = store;
    this.#clock = clock;
  }

  /**
   * What the journal holds for a value. A small value that looks like a reference goes to the blob store too, so none is ever mistaken.
   * Throws `too_large` beyond the bound; waits while the disk is full.
   */
  toJournal(value: Json): Json | Promise<Json> {
    if (isSmall(value)) return value;
    const text = canonicalJson(value);
    if (text.length <= INLINE_MAX && !isReference(value)) return value;
    if (text.length > VALUE_MAX)
      throw new AppError(
        "too_large",
        `wanted a value of at most ${VALUE_MAX} characters of JSON, got ${text.length}; keep it in a file and pass its name`,
      );
    return this.#put(text);
  }

  /** Writes again the value that a journaled one stands for, so that it is kept as long as its newest reader. */
  async keep(journaled: Json): Promise<void> {
    if (isReference(journaled)) await this.#put(await this.#store.getBlob(journaled));
  }

  async #put(text: string): Promise<Json> {
    for (;;) {
      try {
        return { ...(await this.#store.putBlob(text)) };
      } catch (error) {
        if (AppError.from(error).code !== "storage_full") throw error;
      }
      await new Promise<void>((resolve) => void this.#clock.after(FULL_DISK_WAIT_MS, resolve));
    }
  }

  /** The value a journaled one stands for. */
  async fromJournal(value: Json): Promise<Json> {
    return isReference(value) ? (JSON.parse(await this.#store.getBlob(value)) as Json) : value;
  }

  /** The value an event carries, if it carries one. */
  valueOf(event: Event): Promise<Json> {
    if (event.type === "step.completed" || event.type === "run.completed") return this.fromJournal(event.output);
    if (event.type === "step.progressed") return this.fromJournal(event.detail);
    if (event.type === "approval.answered") return this.fromJournal(event.edited?.input ?? null);
    return event.type === "signal.received" ? this.fromJournal(event.value) : Promise.resolve(null);
  }
}

/** Most values are plainly small; only the others are written out to be measured. */
function isSmall(value: Json): boolean {
  if (typeof value === "string") return value.length <= INLINE_MAX;
  return typeof value !== "object" || value === null;
}

function isReference(value: Json): value is Json & BlobRef {
  return typeof value === "object" && value !== null && "$blob" in value;
}
