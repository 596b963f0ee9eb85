import { attributeOf, type CloudEvent } from "./cloud-event.ts";
import { arrayAt, misfit, objectAt, stringAt } from "./shape.ts";

/**
 * Which events somebody wants: the dialects of the CloudEvents Subscriptions API that need no language. Attributes are compared as texts,
 * case-sensitively; one that an event does not have matches nothing.
 */
export type EventFilter =
  | { readonly exact: Attributes }
  | { readonly prefix: Attributes }
  | { readonly suffix: Attributes }
  | { readonly all: readonly EventFilter[] }
  | { readonly any: readonly EventFilter[] }
  | { readonly not: EventFilter };

/** Attributes by name, all of which must fit. */
type Attributes = Readonly<Record<string, string>>;

/** Filters are evaluated for every event and subscription, so their size is bounded. */
const FILTERS_MAX = 100;
const DEPTH_MAX = 16;
const VALUE_CHARS_MAX = 2048;
const NAME = /^[a-z0-9]{1,64}$/;

/** The filter that every event passes. */
export const EVERYTHING: EventFilter = { all: [] };

/** Whether an event passes. Pure, never throws, at most as many comparisons as the filter has values. */
export function matchesFilter(filter: EventFilter, event: CloudEvent): boolean {
  if ("exact" in filter) return every(filter.exact, event, (value, wanted) => value === wanted);
  if ("prefix" in filter) return every(filter.prefix, event, (value, wanted) => value.startsWith(wanted));
  if ("suffix" in filter) return every(filter.suffix, event, (value, wanted) => value.endsWith(wanted));
  if ("all" in filter) return filter.all.every((inner) => matchesFilter(inner, event));
  if ("any" in filter) return filter.any.some((inner) => matchesFilter(inner, event));
  return !matchesFilter(filter.not, event);
}

/** Reads a filter, or a list of them that must all fit, as `JSON.parse` returned it. What does not fit is `invalid_input`. */
export function decodeEventFilter(value: unknown, path = "filter"): EventFilter {
  const budget = { left: FILTERS_MAX };
  if (!Array.isArray(value)) return decode(value, { path, depth: 0, budget });
  return { all: value.map((item, index) => decode(item, { path: `${path}[${index}]`, depth: 1, budget })) };
}

/**
 * A filter from a pattern with at most one star, as people write it: "order.*", "*.created", "order.created", "*". Several, separated by
 * commas, are alternatives.
 */
export function patternFilter(attribute: string, pattern: string): EventFilter {
  const alternatives = pattern.split(",").map((one) => patternOf(attribute, one.trim()));
  const [only, ...others] = alternatives;
  return only !== undefined && others.length === 0 ? only : { any: alternatives };
}

function patternOf(attribute: string, pattern: string): EventFilter {
  const [start = "", end, ...more] = pattern.split("*");
  if (more.length > 0 || pattern === "") throw misfit(attribute, 'a text with at most one star, such as "order.*"', pattern);
  if (end === undefined) return { exact: { [attribute]: start } };
  const prefix: EventFilter = { prefix: { [attribute]: start } };
  if (end === "") return prefix;
  return start === "" ? { suffix: { [attribute]: end } } : { all: [prefix, { suffix: { [attribute]: end } }] };
}

function every(attributes: Attributes, event: CloudEvent, fits: (value: string, wanted: string) => boolean): boolean {
  return Object.entries(attributes).every(([name, wanted]) => {
    const value = attributeOf(event, name);
    return value !== undefined && fits(value, wanted);
  });
}

interface Place {
  readonly path: string;
  readonly depth: number;
  readonly budget: { left: number };
}

function decode(value: unknown, place: Place): EventFilter {
  const { path, depth, budget } = place;
  const fields = objectAt(value, path);
  const [dialect = "", ...others] = Object.keys(fields);
  budget.left -= 1;
  if (budget.left < 0 || depth > DEPTH_MAX) throw misfit(path, `at most ${FILTERS_MAX} filters, nested at most ${DEPTH_MAX} deep`, value);
  if (others.length > 0) throw misfit(path, "one dialect in an object; put several into {all: […]}", value);
  const inner = fields[dialect];
  const at = `${path}.${dialect}`;
  const deeper = (item: unknown, index?: number): EventFilter =>
    decode(item, { path: index === undefined ? at : `${at}[${index}]`, depth: depth + 1, budget });
  switch (dialect) {
    case "exact":
      return { exact: decodeAttributes(inner, at) };
    case "prefix":
      return { prefix: decodeAttributes(inner, at) };
    case "suffix":
      return { suffix: decodeAttributes(inner, at) };
    case "all":
      return { all: arrayAt(inner, at).map(deeper) };
    case "any":
      return { any: arrayAt(inner, at).map(deeper) };
    case "not":
      return { not: deeper(inner) };
    default:
      throw misfit(path, "exact, prefix, suffix, all, any or not", dialect);
  }
}

function decodeAttributes(value: unknown, path: string): Attributes {
  const entries = Object.entries(objectAt(value, path));
  if (entries.length === 0 || entries.length > FILTERS_MAX) throw misfit(path, `1 to ${FILTERS_MAX} attributes`, entries.length);
  return Object.fromEntries(entries.map(([name, wanted]) => [attributeName(name, path), valueAt(wanted, `${path}.${name}`)]));
}

function attributeName(name: string, path: string): string {
  if (NAME.test(name) && name !== "data") return name;
  throw misfit(`${path}.${name}`, "an attribute's name: lower-case letters and digits; data is not looked into", name);
}

function valueAt(value: unknown, path: string): string {
  const text = stringAt(value, path);
  if (text.length <= VALUE_CHARS_MAX && text !== "") return text;
  throw misfit(path, `1 to ${VALUE_CHARS_MAX} characters`, value);
}
