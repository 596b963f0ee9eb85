import { createHash } from "node:crypto";

/** So many words in a row are a quotation. */
const WORDS = 8;
/** Words looked at in one text. */
const TEXT_WORDS_MAX = 20_000;
/** Rows remembered; the oldest go first. */
const ROWS_MAX = 200_000;

/** Remembers rows of words, as numbers that do not tell them, and finds texts that quote them. Of this process: a restart forgets. */
export class QuoteMemory {
  readonly #rows = new Set<number>();

  /** Remembers what a text says that is not said in `own` already. */
  add(tenant: string, text: string, own: readonly string[]): void {
    const known = new Set(own.flatMap((one) => [...rowsOf(tenant, one)]));
    for (const row of rowsOf(tenant, text)) if (!known.has(row)) this.#rows.add(row);
    for (const row of this.#rows) {
      if (this.#rows.size <= ROWS_MAX) break;
      this.#rows.delete(row);
    }
  }

  /** Whether a text quotes something remembered. */
  has(tenant: string, text: string): boolean {
    if (this.#rows.size === 0) return false;
    for (const row of rowsOf(tenant, text)) if (this.#rows.has(row)) return true;
    return false;
  }
}

/** The rows of words in a text, as numbers. Case, punctuation and spaces make no difference. */
function* rowsOf(tenant: string, text: string): Generator<number> {
  const words = (text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? []).slice(0, TEXT_WORDS_MAX);
  for (let index = 0; index + WORDS <= words.length; index += 1) {
    const row = JSON.stringify([tenant, ...words.slice(index, index + WORDS)]);
    yield createHash("sha256").update(row).digest().readUIntBE(0, 6);
  }
}
