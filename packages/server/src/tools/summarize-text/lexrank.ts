import { wordsOf } from "./sentences.ts";

/** The chance of leaving the graph at each step, as in PageRank and the LexRank paper. */
const DAMPING = 0.15;
const ITERATIONS_MAX = 50;
const CONVERGED = 1e-6;

/** A sentence this close to a chosen one says the same again. */
const SAME_SIMILARITY = 0.8;

/** The weights of a sentence's words. The vector has length 1, or is empty. */
type WordVector = ReadonlyMap<string, number>;

/**
 * The indices of the sentences that say most, best first: continuous LexRank (Erkan and Radev, 2004). Sentences vote for those that share
 * their words, a word weighs less the more sentences have it (so no list of stop words, and any language), and a sentence that repeats
 * a chosen one is left out while there are others.
 */
export function rankSentences(sentences: readonly string[], count: number): readonly number[] {
  const vectors = wordVectors(sentences.map(wordsOf));
  const scores = centrality(similaritiesOf(vectors));
  const order = Array.from(sentences.keys()).toSorted((a, b) => (scores[b] ?? 0) - (scores[a] ?? 0) || a - b);
  const chosen: number[] = [];
  const repeats: number[] = [];
  for (const index of order) {
    const isRepeat = chosen.some((other) => cosine(vectors[index], vectors[other]) > SAME_SIMILARITY);
    (isRepeat ? repeats : chosen).push(index);
    if (chosen.length === count) break;
  }
  return [...chosen, ...repeats].slice(0, count);
}

function wordVectors(sentences: readonly (readonly string[])[]): readonly WordVector[] {
  const sentencesWith = new Map<string, number>();
  for (const word of sentences.flatMap((words) => [...new Set(words)])) sentencesWith.set(word, (sentencesWith.get(word) ?? 0) + 1);
  return sentences.map((words) => {
    const weights = new Map<string, number>();
    for (const word of words) {
      // One more than all sentences, so that a word in every sentence still weighs a little.
      weights.set(word, (weights.get(word) ?? 0) + Math.log((sentences.length + 1) / (sentencesWith.get(word) ?? 1)));
    }
    const length = Math.hypot(...weights.values());
    return new Map(Array.from(weights, ([word, weight]) => [word, weight / length]));
  });
}

function similaritiesOf(vectors: readonly WordVector[]): readonly Float64Array[] {
  const rows = vectors.map(() => new Float64Array(vectors.length));
  for (const [index, row] of rows.entries()) {
    for (let other = 0; other <= index; other += 1) row[other] = cosine(vectors[index], vectors[other]);
  }
  for (const [index, row] of rows.entries()) {
    for (let other = index + 1; other < row.length; other += 1) row[other] = rows[other]?.[index] ?? 0;
  }
  return rows;
}

function cosine(vector: WordVector = new Map(), other: WordVector = new Map()): number {
  const [small, large] = vector.size < other.size ? [vector, other] : [other, vector];
  let product = 0;
  for (const [word, weight] of small) product += weight * (large.get(word) ?? 0);
  return product;
}

/** How much of the votes each sentence ends up with: the power method on the graph of similarities. */
function centrality(similarities: readonly Float64Array[]): readonly number[] {
  const size = similarities.length;
  const sums = similarities.map((row) => row.reduce((sum, similarity) => sum + similarity, 0));
  let scores: readonly number[] = similarities.map(() => 1 / size);
  for (let iteration = 0; iteration < ITERATIONS_MAX; iteration += 1) {
    const shares = scores.map((score, index) => score / (sums[index] || 1));
    const next = similarities.map((row) => {
      let votes = 0;
      for (const [index, similarity] of row.entries()) votes += similarity * (shares[index] ?? 0);
      return DAMPING / size + (1 - DAMPING) * votes;
    });
    const change = next.reduce((sum, score, index) => sum + Math.abs(score - (scores[index] ?? 0)), 0);
    scores = next;
    if (change < CONVERGED) break;
  }
  return scores;
}
