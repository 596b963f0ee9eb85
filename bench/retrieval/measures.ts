/** How good a ranking is: shares from 0 to 1. */
export interface Quality {
  readonly ndcg10: number;
  readonly recall10: number;
  readonly top1: number;
}

const DEPTH = 10;

/** Judges one ranking (documents' places, the best first) by the documents that answer the question. */
export function qualityOf(ranking: readonly number[], relevant: ReadonlySet<number>): Quality {
  const found = ranking.slice(0, DEPTH).map((document) => relevant.has(document));
  const gain = found.reduce((sum, isRelevant, rank) => sum + (isRelevant ? discount(rank) : 0), 0);
  const ideal = Array.from({ length: Math.min(DEPTH, relevant.size) }, (_, rank) => discount(rank)).reduce((sum, value) => sum + value, 0);
  const hits = found.filter(Boolean).length;
  return { ndcg10: gain / ideal, recall10: hits / relevant.size, top1: found[0] === true ? 1 : 0 };
}

/** The mean over questions. */
export function meanQuality(all: readonly Quality[]): Quality {
  const mean = (value: (quality: Quality) => number): number => all.reduce((sum, quality) => sum + value(quality), 0) / all.length;
  return { ndcg10: mean(({ ndcg10 }) => ndcg10), recall10: mean(({ recall10 }) => recall10), top1: mean(({ top1 }) => top1) };
}

/** Documents' places in order of their scores, the highest first. */
export function rank(scores: readonly number[]): readonly number[] {
  return scores.map((_, index) => index).toSorted((one, other) => (scores[other] ?? 0) - (scores[one] ?? 0));
}

/** Two rankings as one: a document gains by its rank in each (Cormack and others, "Reciprocal Rank Fusion", 2009; its constant is 60). */
export function fuse(one: readonly number[], other: readonly number[]): readonly number[] {
  const scores = one.map(() => 0);
  for (const ranking of [one, other])
    ranking.forEach((document, place) => (scores[document] = (scores[document] ?? 0) + 1 / (60 + place + 1)));
  return rank(scores);
}

function discount(place: number): number {
  return 1 / Math.log2(place + 2);
}
