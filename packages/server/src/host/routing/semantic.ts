import type { LoadedPolicy, LoadedRule } from "./read-policy.ts";

/** Vectors of texts by an embedding model; `undefined` when there is no such model. */
export type EmbedTexts = (
  texts: readonly string[],
  model: string | undefined,
  signal: AbortSignal,
) => Promise<readonly (readonly number[] | Float32Array)[]>;

/** A rule and how sure it is that it is meant. */
export interface Scored {
  readonly rule: LoadedRule;
  readonly confidence: number;
  /** The cosine with the rule's nearest example. */
  readonly similarity: number;
}

/**
 * From a cosine to the chance that the rule is meant: a logistic curve (Platt, 1999) through labelled texts, for the embedding model that
 * Tutti brings. bench/routing fits and measures it; another model needs a `calibration` of its own.
 */
export const LOCAL_CALIBRATION = { midpoint: 0.57, slope: 26 } as const;

/** Policies whose examples are kept as vectors: the one in force, its shadow, and some that people try. */
const INDEXES_MAX = 4;

interface Example {
  readonly rule: LoadedRule;
  readonly vector: Float32Array;
}

/** Finds the rule whose examples are most like a text. */
export class Semantic {
  readonly #embed: EmbedTexts;
  readonly #indexes = new Map<string, Promise<readonly Example[]>>();

  constructor(embed: EmbedTexts) {
    this.#embed = embed;
  }

  /** The rules that have examples, the likeliest first; none when the policy has no examples. */
  async score(text: string, policy: LoadedPolicy, signal: AbortSignal): Promise<readonly Scored[]> {
    if (!policy.rules.some(({ examples }) => examples !== undefined)) return [];
    const { model, calibration = LOCAL_CALIBRATION } = policy.semantic;
    const [examples, [vector]] = await Promise.all([this.#index(policy, signal), this.#embed([text], model, signal)]);
    const asked = vector === undefined ? undefined : unit(vector);
    if (asked === undefined) return [];
    const nearest = new Map<LoadedRule, number>();
    for (const { rule, vector: example } of examples) nearest.set(rule, Math.max(nearest.get(rule) ?? -1, dot(asked, example)));
    return Array.from(nearest, ([rule, similarity]) => ({ rule, similarity, confidence: confidenceOf(similarity, calibration) })).toSorted(
      (a, b) => b.similarity - a.similarity,
    );
  }

  #index(policy: LoadedPolicy, signal: AbortSignal): Promise<readonly Example[]> {
    const known = this.#indexes.get(policy.hash);
    if (known !== undefined) return known;
    const made = this.#embedExamples(policy, signal);
    this.#indexes.set(policy.hash, made);
    // A failure is not kept: the next text tries again.
    made.catch(() => this.#indexes.delete(policy.hash));
    for (const oldest of this.#indexes.keys()) {
      if (this.#indexes.size <= INDEXES_MAX) break;
      this.#indexes.delete(oldest);
    }
    return made;
  }

  async #embedExamples({ rules, semantic }: LoadedPolicy, signal: AbortSignal): Promise<readonly Example[]> {
    const texts = rules.flatMap((rule) => (rule.examples ?? []).map((text) => ({ rule, text })));
    const vectors = await this.#embed(
      texts.map(({ text }) => text),
      semantic.model,
      signal,
    );
    return texts.flatMap(({ rule }, index) => {
      const vector = unit(vectors[index] ?? []);
      return vector === undefined ? [] : [{ rule, vector }];
    });
  }
}

/** Pure. */
export function confidenceOf(similarity: number, { midpoint, slope }: { readonly midpoint: number; readonly slope: number }): number {
  return 1 / (1 + Math.exp(-slope * (similarity - midpoint)));
}

function unit(vector: readonly number[] | Float32Array): Float32Array | undefined {
  const values = Float32Array.from(vector);
  const length = Math.sqrt(dot(values, values));
  if (!Number.isFinite(length) || length === 0) return undefined;
  return values.map((value) => value / length);
}

function dot(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let index = 0; index < a.length; index += 1) sum += (a[index] ?? 0) * (b[index] ?? 0);
  return sum;
}
