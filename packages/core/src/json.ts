import { AppError } from "./error.ts";

/** What a journal, a wire and a receipt can hold. */
export type Json = null | boolean | number | string | readonly Json[] | { readonly [key: string]: Json };

/** Deeper values are refused, so that no reader of a journal can run out of stack. */
const DEPTH_MAX = 512;

/**
 * Canonical JSON (RFC 8785): keys sorted by UTF-16 code units, numbers as ECMAScript prints them, no white space.
 * `undefined` properties are left out, as `JSON.stringify` does. Anything else that JSON cannot hold (NaN, Infinity, bigint,
 * functions, cycles) throws `invalid_input`. Lone surrogates, which RFC 8785 §3.2.2.2 forbids, are written as `\uXXXX` escapes: the
 * value survives and the text stays deterministic.
 */
export function canonicalJson(value: unknown): string {
  return write(value, 0);
}

function write(value: unknown, depth: number): string {
  switch (typeof value) {
    case "string":
      return quote(value);
    case "number":
      if (Number.isFinite(value)) return `${value === 0 ? 0 : value}`;
      throw notJson(String(value));
    case "boolean":
      return value ? "true" : "false";
    case "undefined":
      return "null";
    case "object":
      if (value === null) return "null";
      if (depth >= DEPTH_MAX) throw notJson(`more than ${DEPTH_MAX} levels, or a cycle`);
      return Array.isArray(value) ? writeArray(value, depth + 1) : writeObject(value, depth + 1);
    case "bigint":
    case "function":
    case "symbol":
      throw notJson(`a ${typeof value}`);
  }
}

/** Texts without quotes, backslashes, control characters and surrogates need no escapes; the journal is full of such. */
// eslint-disable-next-line no-control-regex -- control characters are what JSON must escape (RFC 8259 §7).
const NEEDS_ESCAPE = /["\\\u0000-\u001f\ud800-\udfff]/;

function quote(text: string): string {
  return text.length < 100 && !NEEDS_ESCAPE.test(text) ? `"${text}"` : JSON.stringify(text);
}

function writeArray(items: readonly unknown[], depth: number): string {
  let text = "";
  for (const item of items) text += text === "" ? write(item, depth) : `,${write(item, depth)}`;
  return `[${text}]`;
}

function writeObject(value: object, depth: number): string {
  if ("toJSON" in value && typeof value.toJSON === "function") return write(value.toJSON(), depth);
  const keys = Object.keys(value);
  if (!isSorted(keys)) keys.sort();
  let text = "";
  for (const key of keys) {
    const item: unknown = value[key as keyof typeof value];
    if (item !== undefined) text += `${text === "" ? "" : ","}${quote(key)}:${write(item, depth)}`;
  }
  return `{${text}}`;
}

/** Journals write most objects in order already, and looking is cheaper than sorting. */
function isSorted(keys: readonly string[]): boolean {
  let previous = "";
  for (const key of keys) {
    if (key < previous) return false;
    previous = key;
  }
  return true;
}

function notJson(got: string): AppError {
  return new AppError(
    "invalid_input",
    `wanted a JSON value, got ${got}; use strings, finite numbers, booleans, null, arrays and plain objects`,
  );
}
