/** The usual constants of Okapi BM25 (Robertson and Zaragoza, "The Probabilistic Relevance Framework", 2009). */
const K1 = 1.2;
const B = 0.75;

/** Ranks by words alone: lower-cased runs of letters and digits, no stemming and no stop words. */
export class Bm25 {
  readonly #documents: readonly ReadonlyMap<string, number>[];
  readonly #lengths: readonly number[];
  readonly #meanLength: number;
  readonly #documentCounts = new Map<string, number>();

  constructor(documents: readonly string[]) {
    const words = documents.map(wordsOf);
    this.#documents = words.map(countsOf);
    this.#lengths = words.map(({ length }) => length);
    this.#meanLength = this.#lengths.reduce((sum, length) => sum + length, 0) / documents.length;
    for (const counts of this.#documents)
      for (const word of counts.keys()) this.#documentCounts.set(word, (this.#documentCounts.get(word) ?? 0) + 1);
  }

  /** How much each document has to do with a question. */
  scores(question: string): readonly number[] {
    const words = [...countsOf(wordsOf(question)).keys()];
    return this.#documents.map((counts, index) =>
      words.reduce((sum, word) => sum + this.#score(word, counts, this.#lengths[index] ?? 0), 0),
    );
  }

  #score(word: string, counts: ReadonlyMap<string, number>, length: number): number {
    const count = counts.get(word);
    if (count === undefined) return 0;
    const documentCount = this.#documentCounts.get(word) ?? 0;
    const rarity = Math.log(1 + (this.#documents.length - documentCount + 0.5) / (documentCount + 0.5));
    return (rarity * count * (K1 + 1)) / (count + K1 * (1 - B + (B * length) / this.#meanLength));
  }
}

function wordsOf(text: string): readonly string[] {
  return text.toLowerCase().match(/[\p{L}\p{N}]+/gu) ?? [];
}

function countsOf(words: readonly string[]): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const word of words) counts.set(word, (counts.get(word) ?? 0) + 1);
  return counts;
}
