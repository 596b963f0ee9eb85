import { z } from "zod";

/** All there is to know of one key: what it is for, what it may be, and how it is written in each place. */
export interface Setting<T> extends Facts<T> {
  readonly schema: z.ZodType<T>;
  /** What would be right, as the end of "must be …". */
  readonly valid: string;
  /** A text from the environment, a flag or a quoted value in the file, as the schema wants it; other texts come back as they are. */
  readonly read: (text: string) => unknown;
}

/** What a key says of itself, whatever its type is. A key without `env` can only be set in the file. */
export interface Facts<T> {
  readonly default: T;
  readonly description: string;
  readonly env?: string;
  readonly alias?: Alias;
  readonly isSecret?: boolean;
  /** A relative path, or a list that may hold some, counts from the folder of the file or from the working directory. */
  readonly isPath?: boolean;
}

/** A variable of another name that users of earlier programs know. It counts only where `env` is not set. */
interface Alias {
  readonly env: string;
  readonly read: (text: string) => unknown;
}

/** A text in a certain shape. */
export function text(facts: Facts<string> & { readonly valid: string; readonly shape: RegExp }): Setting<string> {
  const { valid, shape, ...rest } = facts;
  return { ...rest, valid, schema: z.string().regex(shape), read: (raw) => raw };
}

/** A text in a certain shape, or nothing. */
export function optionalText(
  facts: Omit<Facts<undefined>, "default"> & { readonly valid: string; readonly shape: RegExp },
): Setting<string | undefined> {
  const { valid, shape, ...rest } = facts;
  return { ...rest, default: undefined, valid, schema: z.string().regex(shape).optional(), read: (raw) => raw };
}

/** A path, or nothing. */
export function optionalPath(facts: Omit<Facts<undefined>, "default" | "isPath">): Setting<string | undefined> {
  return { ...optionalText({ ...facts, valid: "a path", shape: /^[^\0]+$/ }), isPath: true };
}

/** A whole number; digits may be grouped with underscores. */
export function whole(facts: Facts<number> & { readonly min: number; readonly max: number }): Setting<number> {
  const { min, max, ...rest } = facts;
  return {
    ...rest,
    valid: `a whole number from ${min} to ${max}`,
    schema: z.int().min(min).max(max),
    read: (raw) => (/^\d+(_\d+)*$/.test(raw) ? Number(raw.replaceAll("_", "")) : raw),
  };
}

/** true or false. */
export function flag(facts: Facts<boolean>): Setting<boolean> {
  return { ...facts, valid: "true or false", schema: z.boolean(), read: readBoolean };
}

/** One of some words. */
export function choice<T extends string>(facts: Facts<T> & { readonly values: readonly T[] }): Setting<T> {
  const { values, ...rest } = facts;
  return { ...rest, valid: `one of ${values.join(", ")}`, schema: z.enum(values), read: (raw) => raw.toLowerCase() };
}

/** A list of texts; in one text they are separated by commas. */
export function list(facts: Facts<readonly string[]> & { readonly item: string; readonly items: string }): Setting<readonly string[]> {
  const { item, items, ...rest } = facts;
  return {
    ...rest,
    valid: `a list of ${items}`,
    schema: z
      .array(z.string(`a ${item}`).min(1, `a ${item}`))
      .max(LIST_LENGTH_MAX)
      .readonly(),
    read: (raw) =>
      raw
        .split(",")
        .map((part) => part.trim())
        .filter((part) => part !== ""),
  };
}

const LIST_LENGTH_MAX = 1_000;

/** The words that people use for true and false. */
export function readBoolean(raw: string): unknown {
  const word = raw.toLowerCase();
  if (["true", "1", "yes", "on"].includes(word)) return true;
  return ["false", "0", "no", "off"].includes(word) ? false : raw;
}
