import { AppError } from "@tutti/core";
import Fraction from "fraction.js";

/** Larger numerators and denominators are refused: arithmetic on them could hold the event loop. */
export const DIGITS_MAX = 1_000;

/** An approximate value shows this many digits: the most that a double always holds. */
const SIGNIFICANT_DIGITS = 15;

const LIMIT = 10n ** BigInt(DIGITS_MAX);

/** A value is a rational number, or a double once something irrational has touched it. */
export type Value = { readonly exact: true; readonly value: Fraction } | { readonly exact: false; readonly value: number };

/** A rational number, if it is not too long. */
export function exact(value: Fraction): Value {
  if (value.n >= LIMIT || value.d >= LIMIT) throw tooLong();
  return { exact: true, value };
}

/** A double, if it is a number at all. */
export function approximate(value: number): Value {
  if (Number.isNaN(value)) throw new AppError("invalid_input", "the result is not a real number");
  if (!Number.isFinite(value)) throw new AppError("invalid_input", "the result is infinite, or too large to approximate");
  return { exact: false, value };
}

/** The nearest double. */
export function toNumber(value: Value): number {
  if (!value.exact) return value.value;
  const { s, n, d } = value.value;
  // Both parts lose the same number of bits, so that neither overflows a double (2^1024) before they are divided.
  const shift = BigInt(Math.max(0, bits(n > d ? n : d) - 1_000));
  return (Number(s) * Number(n >> shift)) / Number(d >> shift);
}

/** How many bits a natural number has. */
function bits(value: bigint): number {
  return value.toString(2).length;
}

/** Refuses a power before it is computed when it would be too long. The base is not 0, 1 or -1. */
export function assertPowerFits(base: Fraction, exponent: bigint): void {
  const doublings = bits(base.n > base.d ? base.n : base.d) - 1;
  if (BigInt(doublings) * exponent > BigInt(bits(LIMIT))) throw tooLong();
}

/** The exact square root, if there is one. */
export function exactSquareRoot(value: Fraction): Fraction | undefined {
  const n = squareRootFloor(value.n);
  const d = squareRootFloor(value.d);
  return n * n === value.n && d * d === value.d ? new Fraction(n, d) : undefined;
}

/** Newton's method on integers, from above, so that it falls until it is done. */
function squareRootFloor(value: bigint): bigint {
  if (value < 2n) return value;
  let root = 1n << BigInt(Math.ceil(bits(value) / 2));
  for (;;) {
    const next = (root + value / root) >> 1n;
    if (next >= root) return root;
    root = next;
  }
}

/** The whole value as text where that is possible ("0.3", "10/3"), else its first digits. */
export function format(value: Value): string {
  if (!value.exact) return digits(value.value);
  const { s, n, d } = value.value;
  const places = decimalPlaces(d);
  const sign = s < 0n ? "-" : "";
  if (places === undefined) return `${sign}${n}/${d}`;
  if (places === 0) return `${sign}${n}`;
  const text = ((n * 10n ** BigInt(places)) / d).toString().padStart(places + 1, "0");
  return `${sign}${text.slice(0, -places)}.${text.slice(-places)}`;
}

/** The first digits of a double, without the zeros at the end. */
export function digits(value: number): string {
  return String(Number(value.toPrecision(SIGNIFICANT_DIGITS)));
}

/** How many decimals a fraction with this denominator has; `undefined` when they never end, or go on for too long. */
function decimalPlaces(denominator: bigint): number | undefined {
  const [rest, twos] = divideOut(denominator, 2n);
  const [last, fives] = divideOut(rest, 5n);
  const places = Math.max(twos, fives);
  return last === 1n && places <= DIGITS_MAX ? places : undefined;
}

function divideOut(value: bigint, prime: bigint): readonly [rest: bigint, times: number] {
  let rest = value;
  let times = 0;
  while (rest % prime === 0n) {
    rest /= prime;
    times += 1;
  }
  return [rest, times];
}

function tooLong(): AppError {
  return new AppError("invalid_input", `the result would have more than ${DIGITS_MAX} digits`);
}
