import { canonicalJson, type BlobRef, type Event, type Json, type Store } from "@tutti/core";

/** Larger values stand in the blob store, and the journal holds a reference. In UTF-16 code units, which is at least a third of the bytes. */
const INLINE_MAX = 64 * 1024;

/** Moves large values between the journal and the blob store. */
export class Payloads {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  /** What the journal holds for a value. A small value that looks like a reference goes to the blob store too, so none is ever mistaken. */
  toJournal(value: Json): Json | Promise<Json> {
    if (isSmall(value)) return value;
    const text = canonicalJson(value);
    if (text.length <= INLINE_MAX && !isReference(value)) return value;
    return this.#store.putBlob(text).then((ref) => ({ ...ref }));
  }

  /** The value a journaled one stands for. */
  async fromJournal(value: Json): Promise<Json> {
    return isReference(value) ? (JSON.parse(await this.#store.getBlob(value)) as Json) : value;
  }

  /** The value an event carries, if it carries one. */
  valueOf(event: Event): Promise<Json> {
    if (event.type === "step.completed" || event.type === "run.completed") return this.fromJournal(event.output);
    if (event.type === "step.progressed") return this.fromJournal(event.detail);
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
