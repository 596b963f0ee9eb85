import { AppError } from "../error.ts";
import type { Json } from "../json.ts";

/** A JSON object of which nothing is known yet. */
export type JsonObject = { readonly [key: string]: unknown };

/** Whether a parsed JSON value is an object. */
export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The object at `path`, or `invalid_input`. */
export function objectAt(value: unknown, path: string): JsonObject {
  if (isObject(value)) return value;
  throw misfit(path, "an object", value);
}

/** The array at `path`, or `invalid_input`. */
export function arrayAt(value: unknown, path: string): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw misfit(path, "an array", value);
}

/** The string at `path`, or `invalid_input`. */
export function stringAt(value: unknown, path: string): string {
  if (typeof value === "string") return value;
  throw misfit(path, "a string", value);
}

/** The boolean at `path`, `false` when it is absent or null, or `invalid_input`. */
export function flagAt(value: unknown, path: string): boolean {
  if (value === undefined || value === null) return false;
  if (typeof value === "boolean") return value;
  throw misfit(path, "true or false", value);
}

/** The string at `path`, `undefined` when it is absent or null, or `invalid_input`. */
export function optionalStringAt(value: unknown, path: string): string | undefined {
  return value === undefined || value === null ? undefined : stringAt(value, path);
}

/** The number at `path`, `undefined` when it is absent or null, or `invalid_input`. */
export function optionalNumberAt(value: unknown, path: string): number | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value === "number" && Number.isFinite(value)) return value;
  throw misfit(path, "a number", value);
}

/** The whole number of at least 1 at `path`, `undefined` when it is absent or null, or `invalid_input`. */
export function optionalCountAt(value: unknown, path: string): number | undefined {
  const number = optionalNumberAt(value, path);
  if (number === undefined || (Number.isSafeInteger(number) && number >= 1)) return number;
  throw misfit(path, "a whole number of at least 1", number);
}

/** The fields that are not `undefined`, as types with optional fields want them. */
export function defined<T extends object>(fields: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}

/** `invalid_input` for a field, with its path as `cause.param`, where OpenAI's error object wants it. */
export function misfit(path: string, wanted: string, got: unknown): AppError {
  return new AppError("invalid_input", `${path}: wanted ${wanted}, got ${describe(got)}`, { cause: { param: path } });
}

/** `unsupported` for a field that asks for something this codec cannot carry. */
export function unsupported(path: string, wanted: string, got: unknown): AppError {
  return new AppError("unsupported", `${path}: wanted ${wanted}, got ${describe(got)}`, { cause: { param: path } });
}

/** Deeper arguments stay text: a journal could not hold them, and writing them back would run out of stack. */
const DEPTH_MAX = 256;

/** A tool call's arguments. Models write broken JSON at times: then the text itself is the input, and the tool's schema says what is wrong. */
export function parseArguments(text: string): Json {
  if (text.trim() === "") return {};
  try {
    const value = JSON.parse(text) as Json;
    return text.length > DEPTH_MAX && isDeeper(value, DEPTH_MAX) ? text : value;
  } catch {
    return text;
  }
}

function isDeeper(value: Json, levels: number): boolean {
  if (typeof value !== "object" || value === null) return false;
  return levels === 0 || Object.values(value).some((item: Json) => isDeeper(item, levels - 1));
}

const SHOWN_CHARS_MAX = 60;

function describe(value: unknown): string {
  if (value === undefined) return "nothing";
  if (value === null) return "null";
  if (Array.isArray(value)) return `an array of ${value.length}`;
  if (typeof value === "object") return "an object";
  const text = JSON.stringify(value) ?? typeof value;
  return text.length <= SHOWN_CHARS_MAX ? text : `${text.slice(0, SHOWN_CHARS_MAX)}…`;
}
