import { AppError } from "@tutti/core";
import Fraction from "fraction.js";
import { approximate, assertPowerFits, exact, exactSquareRoot, toNumber, type Value } from "./number.ts";

const ZERO = new Fraction(0);
const DECIMALS_MAX = 100n;

/** The constants by name. They are irrational, so everything they touch is approximate. */
export const CONSTANTS: ReadonlyMap<string, Value> = new Map([
  ["pi", approximate(Math.PI)],
  ["e", approximate(Math.E)],
]);

/** The binary operators by the sign they are written with. */
export const OPERATORS = {
  "+": (left: Value, right: Value): Value => combine(left, right, { exact: (a, b) => a.add(b), approximate: (a, b) => a + b }),
  "-": (left: Value, right: Value): Value => combine(left, right, { exact: (a, b) => a.sub(b), approximate: (a, b) => a - b }),
  "*": (left: Value, right: Value): Value => combine(left, right, { exact: (a, b) => a.mul(b), approximate: (a, b) => a * b }),
  "/": (left: Value, right: Value): Value => combine(left, notZero(right), { exact: (a, b) => a.div(b), approximate: (a, b) => a / b }),
  "%": (left: Value, right: Value): Value => combine(left, notZero(right), { exact: (a, b) => a.mod(b), approximate: (a, b) => a % b }),
  "^": power,
} as const;

const { "+": add, "-": subtract, "/": divide } = OPERATORS;

/** A function and how many arguments it takes. */
export interface CalculatorFunction {
  readonly arguments: readonly [min: number, max: number];
  readonly call: (values: readonly [Value, ...Value[]]) => Value;
}

const ANY = Number.POSITIVE_INFINITY;

/** The functions by name. */
export const FUNCTIONS: ReadonlyMap<string, CalculatorFunction> = new Map([
  ["abs", one((value) => (isNegative(value) ? negate(value) : value))],
  ["floor", one((value) => (value.exact ? exact(value.value.floor()) : approximate(Math.floor(value.value))))],
  ["ceil", one((value) => (value.exact ? exact(value.value.ceil()) : approximate(Math.ceil(value.value))))],
  ["round", { arguments: [1, 2], call: ([value, places]) => round(value, places) }],
  [
    "min",
    {
      arguments: [1, ANY],
      call: ([first, ...rest]) => rest.reduce((least, value) => (isNegative(subtract(value, least)) ? value : least), first),
    },
  ],
  [
    "max",
    {
      arguments: [1, ANY],
      call: ([first, ...rest]) => rest.reduce((most, value) => (isNegative(subtract(most, value)) ? value : most), first),
    },
  ],
  ["sum", { arguments: [1, ANY], call: ([first, ...rest]) => rest.reduce(add, first) }],
  ["avg", { arguments: [1, ANY], call: ([first, ...rest]) => divide(rest.reduce(add, first), exact(new Fraction(rest.length + 1))) }],
  ["sqrt", one(squareRoot)],
  ["ln", one((value) => approximate(Math.log(toNumber(value))))],
  ["log10", one((value) => approximate(Math.log10(toNumber(value))))],
  ["log2", one((value) => approximate(Math.log2(toNumber(value))))],
  ["exp", one((value) => approximate(Math.exp(toNumber(value))))],
  ["sin", one((value) => approximate(Math.sin(toNumber(value))))],
  ["cos", one((value) => approximate(Math.cos(toNumber(value))))],
  ["tan", one((value) => approximate(Math.tan(toNumber(value))))],
]);

/** The value with its sign turned. */
export function negate(value: Value): Value {
  return value.exact ? exact(value.value.neg()) : approximate(-value.value);
}

/** A hundredth. */
export function percent(value: Value): Value {
  return divide(value, exact(new Fraction(100)));
}

function one(call: (value: Value) => Value): CalculatorFunction {
  return { arguments: [1, 1], call: ([value]) => call(value) };
}

interface Operation {
  readonly exact: (left: Fraction, right: Fraction) => Fraction;
  readonly approximate: (left: number, right: number) => number;
}

function combine(left: Value, right: Value, operation: Operation): Value {
  if (left.exact && right.exact) return exact(operation.exact(left.value, right.value));
  return approximate(operation.approximate(toNumber(left), toNumber(right)));
}

function isNegative(value: Value): boolean {
  return value.exact ? value.value.s < 0n && value.value.n > 0n : value.value < 0;
}

function notZero(value: Value): Value {
  const isZero = value.exact ? value.value.n === 0n : value.value === 0;
  if (isZero) throw new AppError("invalid_input", "division by zero");
  return value;
}

function power(base: Value, exponent: Value): Value {
  if (!base.exact || !exponent.exact) return approximate(toNumber(base) ** toNumber(exponent));
  const { s: sign, n: whole, d: root } = exponent.value;
  if (root === 2n && !isNegative(base)) return power(squareRoot(base), exact(new Fraction(sign * whole)));
  if (root !== 1n) return approximate(toNumber(base) ** toNumber(exponent));
  if (sign < 0n) notZero(base);
  // 0, 1 and -1 stay short whatever the exponent is, and only its parity matters.
  if (base.value.d === 1n && base.value.n < 2n) return exact(base.value.pow(whole === 0n ? 0 : 2n - (whole % 2n)));
  assertPowerFits(base.value, whole);
  return exact(base.value.pow(sign * whole));
}

function squareRoot(value: Value): Value {
  if (isNegative(value)) throw new AppError("invalid_input", "the square root of a negative number is not a real number");
  const root = value.exact ? exactSquareRoot(value.value) : undefined;
  return root === undefined ? approximate(Math.sqrt(toNumber(value))) : exact(root);
}

/** Halves are rounded away from zero, as people do by hand. */
function round(value: Value, places: Value = exact(ZERO)): Value {
  if (!places.exact || places.value.d !== 1n || places.value.n > DECIMALS_MAX) {
    throw new AppError("invalid_input", `round takes a whole number of decimals from -${DECIMALS_MAX} to ${DECIMALS_MAX}`);
  }
  const scale = new Fraction(10).pow(places.value);
  const rational = value.exact ? value.value : new Fraction(value.value);
  const rounded = exact(rational.abs().mul(scale).round().div(scale).mul(rational.s));
  return value.exact ? rounded : approximate(toNumber(rounded));
}
