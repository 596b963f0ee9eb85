/** The most questions one bucket compares with: 1,000 of 512 numbers are compared in a fraction of a millisecond. */
const BUCKET_ROWS_MAX = 1000;
/** After so many numbers it is clear of most rows that they cannot reach the threshold any more. */
const HEAD = 64;
/** So close is the same question, and nothing closer needs to be looked for. */
const SAME = 0.9999;

/** A row that was found. */
export interface Similar {
  readonly key: string;
  readonly similarity: number;
}

/** Questions that differ in their words only, as vectors of length 1 in one matrix. */
export class Bucket {
  readonly #dimensions: number;
  readonly #keys: string[] = [];
  #rows: Float32Array;
  /** The length of each row's part behind its head. */
  #tails: Float32Array;

  constructor(dimensions: number) {
    this.#dimensions = dimensions;
    this.#rows = new Float32Array(dimensions * 4);
    this.#tails = new Float32Array(4);
  }

  get size(): number {
    return this.#keys.length;
  }

  /** Adds a row. A full bucket gives its oldest row's place away; the key of that row is returned. */
  add(key: string, vector: Float32Array): string | undefined {
    if (vector.length !== this.#dimensions) return undefined;
    this.remove(key);
    const dropped = this.#keys.length >= BUCKET_ROWS_MAX ? this.#keys[0] : undefined;
    if (dropped !== undefined) this.remove(dropped);
    const row = this.#keys.length;
    if ((row + 1) * this.#dimensions > this.#rows.length) this.#double();
    this.#rows.set(vector, row * this.#dimensions);
    this.#tails[row] = lengthOf(vector, Math.min(HEAD, vector.length));
    this.#keys.push(key);
    return dropped;
  }

  /** Takes a row out; the others keep their order, so that the first is the oldest. */
  remove(key: string): void {
    const row = this.#keys.indexOf(key);
    if (row < 0) return;
    this.#keys.splice(row, 1);
    this.#rows.copyWithin(row * this.#dimensions, (row + 1) * this.#dimensions);
    this.#tails.copyWithin(row, row + 1);
  }

  /** The row that is most like `vector`, where one is at least as like as `threshold`. */
  nearest(vector: Float32Array, threshold: number): Similar | undefined {
    if (vector.length !== this.#dimensions) return undefined;
    const head = Math.min(HEAD, vector.length);
    const tail = lengthOf(vector, head);
    let best = threshold;
    let found = -1;
    for (let row = 0; row < this.#keys.length && best < SAME; row += 1) {
      const similarity = this.#similarity(row, vector, best - tail * (this.#tails[row] ?? 0));
      if (similarity < best) continue;
      best = similarity;
      found = row;
    }
    const key = this.#keys[found];
    return key === undefined ? undefined : { key, similarity: best };
  }

  /** The cosine; -1 once the head shows that it cannot be enough (the rest adds at most the product of both tails' lengths). */
  #similarity(row: number, vector: Float32Array, headMin: number): number {
    const start = row * this.#dimensions;
    const head = Math.min(HEAD, this.#dimensions);
    let sum = 0;
    for (let index = 0; index < head; index += 1) sum += (this.#rows[start + index] ?? 0) * (vector[index] ?? 0);
    if (sum < headMin - ROUNDING) return -1;
    for (let index = head; index < this.#dimensions; index += 1) sum += (this.#rows[start + index] ?? 0) * (vector[index] ?? 0);
    return sum;
  }

  #double(): void {
    const rows = new Float32Array(this.#rows.length * 2);
    rows.set(this.#rows);
    this.#rows = rows;
    const tails = new Float32Array(this.#tails.length * 2);
    tails.set(this.#tails);
    this.#tails = tails;
  }
}

/** What 32-bit numbers lose on the way. */
const ROUNDING = 1e-5;

/** A vector at length 1; `undefined` where it has no direction or holds what is no number. */
export function unit(vector: Float32Array | readonly number[]): Float32Array | undefined {
  const values = Float32Array.from(vector);
  const length = lengthOf(values, 0);
  if (!Number.isFinite(length) || length === 0) return undefined;
  for (const [index, value] of values.entries()) values[index] = value / length;
  return values;
}

function lengthOf(vector: Float32Array, from: number): number {
  let sum = 0;
  for (let index = from; index < vector.length; index += 1) sum += (vector[index] ?? 0) ** 2;
  return Math.sqrt(sum);
}
