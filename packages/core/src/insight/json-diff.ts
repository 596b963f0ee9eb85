import { canonicalJson, type Json } from "../json.ts";

/** Differences of one value that are listed; the rest is counted. */
const DIFFERENCES_MAX = 20;
/** Longer texts and larger values are cut. */
const TEXT_LENGTH_MAX = 300;
/** Deeper differences are shown as whole values. */
const DEPTH_MAX = 32;

/** One place in which two values differ: a JSON pointer (RFC 6901), and what stands there; a side that has nothing there is left out. */
export interface JsonDifference {
  readonly path: string;
  readonly a?: Json;
  readonly b?: Json;
}

/** Where two values differ. Empty when they are the same. `more` counts what is not listed. */
export interface JsonDiff {
  readonly differences: readonly JsonDifference[];
  readonly more: number;
}

/** Compares two values. Pure. */
export function diffJson(a: Json, b: Json): JsonDiff {
  const found: JsonDifference[] = [];
  compare({ path: "", depth: 0 }, [a, b], found);
  return { differences: found.slice(0, DIFFERENCES_MAX), more: Math.max(0, found.length - DIFFERENCES_MAX) };
}

/** Whether two values are the same JSON, whatever the order of their keys. */
export function isSameJson(a: Json, b: Json): boolean {
  return a === b || canonicalJson(a) === canonicalJson(b);
}

interface Place {
  readonly path: string;
  readonly depth: number;
}

type Sides = readonly [a: Json | undefined, b: Json | undefined];

function compare(place: Place, [a, b]: Sides, found: JsonDifference[]): void {
  if (a !== undefined && b !== undefined && isSameJson(a, b)) return;
  if (place.depth < DEPTH_MAX && isObject(a) && isObject(b)) return compareObjects(place, [a, b], found);
  if (place.depth < DEPTH_MAX && Array.isArray(a) && Array.isArray(b))
    return compareArrays(place, [a as readonly Json[], b as readonly Json[]], found);
  found.push({ path: place.path, ...(a !== undefined && { a: cut(a) }), ...(b !== undefined && { b: cut(b) }) });
}

type JsonObject = { readonly [key: string]: Json };

function compareObjects({ path, depth }: Place, [a, b]: readonly [JsonObject, JsonObject], found: JsonDifference[]): void {
  for (const key of new Set([...Object.keys(a), ...Object.keys(b)])) {
    const name = key.replaceAll("~", "~0").replaceAll("/", "~1");
    compare({ path: `${path}/${name}`, depth: depth + 1 }, [own(a, key), own(b, key)], found);
  }
}

/** What both begin and end with is the same; what lies between is compared place by place. */
function compareArrays({ path, depth }: Place, [a, b]: readonly [readonly Json[], readonly Json[]], found: JsonDifference[]): void {
  const shorter = Math.min(a.length, b.length);
  let start = 0;
  while (start < shorter && isSameJson(a[start] ?? null, b[start] ?? null)) start += 1;
  let end = 0;
  while (end < shorter - start && isSameJson(a[a.length - 1 - end] ?? null, b[b.length - 1 - end] ?? null)) end += 1;
  const until = Math.max(a.length, b.length) - end;
  for (let index = start; index < until; index += 1) {
    const sides = [index < a.length - end ? a[index] : undefined, index < b.length - end ? b[index] : undefined] as const;
    compare({ path: `${path}/${index}`, depth: depth + 1 }, sides, found);
  }
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function own(value: JsonObject, key: string): Json | undefined {
  return Object.hasOwn(value, key) ? value[key] : undefined;
}

function cut(value: Json): Json {
  if (typeof value === "string") return value.length <= TEXT_LENGTH_MAX ? value : `${value.slice(0, TEXT_LENGTH_MAX)}…`;
  if (typeof value !== "object" || value === null) return value;
  const text = canonicalJson(value);
  return text.length <= TEXT_LENGTH_MAX ? value : `${text.slice(0, TEXT_LENGTH_MAX)}…`;
}
