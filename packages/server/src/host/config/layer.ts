import { readFileSync } from "node:fs";
import { basename, dirname, relative, resolve } from "node:path";
import { parseEnv } from "node:util";
import { didYouMean } from "@tutti/core/graph";
import { CONFIG_FILE_ENV, KEYS, SETTINGS, type Key } from "./settings.ts";
import type { Setting } from "./setting.ts";
import { readYaml } from "./yaml-file.ts";

/** Variables by name, as in `process.env`. */
export type Variables = Readonly<Record<string, string | undefined>>;

/** A value as it was written, and where. */
export interface Found {
  readonly raw: unknown;
  /** The place of the value, or of something inside it. */
  readonly source: (path: readonly PropertyKey[]) => string;
  /** What relative paths in it count from. */
  readonly baseDir: string;
}

/** One place that values come from. */
export interface Layer {
  /** What is wrong with the place as a whole: it cannot be read, or it has keys that do not exist. */
  readonly problems: readonly string[];
  find(key: Key): Found | undefined;
}

/** The command line. Names that are no keys are left to the parser of the command line, which has refused them. */
export function flagsLayer(flags: Readonly<Record<string, unknown>>, cwd: string): Layer {
  return {
    problems: [],
    find: (key) =>
      flags[key] === undefined
        ? undefined
        : { raw: flags[key], source: () => `--${key.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`, baseDir: cwd },
  };
}

/** Values that the caller made itself. */
export function valuesLayer(values: Readonly<Record<string, unknown>>, cwd: string): Layer {
  return {
    problems: [],
    find: (key) => (values[key] === undefined ? undefined : { raw: values[key], source: () => "given", baseDir: cwd }),
  };
}

/** Where a set of variables comes from. `place` tells where one of them stands. */
export interface VariablesSource {
  readonly variables: Variables;
  readonly place: (name: string) => string;
  readonly cwd: string;
}

/** `TUTTI_*` variables. One that is empty is not set, and one that is no setting is a problem. */
export function variablesLayer({ variables, place, cwd }: VariablesSource): Layer {
  const names = [...KEYS.flatMap((key) => settingOf(key).env ?? []), CONFIG_FILE_ENV];
  const unknown = Object.keys(variables).filter((name) => name.startsWith("TUTTI_") && !names.includes(name));
  return {
    problems: unknown.map((name) => `${name} is not a setting${meant(name, names)} (${place(name)})`),
    find: (key) => foundVariable(settingOf(key).env, { variables, place, cwd }),
  };
}

/** Variables of other names, which count where the `TUTTI_*` ones are not set. */
export function aliasLayer({ variables, place, cwd }: VariablesSource): Layer {
  return {
    problems: [],
    find(key) {
      const alias = settingOf(key).alias;
      const found = foundVariable(alias?.env, { variables, place, cwd });
      return alias === undefined || found === undefined ? undefined : { ...found, raw: alias.read(String(found.raw)) };
    },
  };
}

function foundVariable(name: string | undefined, { variables, place, cwd }: VariablesSource): Found | undefined {
  const raw = name === undefined ? undefined : variables[name];
  return name === undefined || raw === undefined || raw === "" ? undefined : { raw, source: () => place(name), baseDir: cwd };
}

/** The `.env` file of a folder, if there is one. */
export function readDotEnv(cwd: string): VariablesSource & { readonly problems: readonly string[] } {
  const text = readText(resolve(cwd, ".env"));
  if (text.type !== "text") return { variables: {}, place: () => ".env", cwd, problems: text.type === "absent" ? [] : [text.problem] };
  const lines = text.text.split("\n");
  const lineOf = (name: string): number => lines.findLastIndex((line) => line.replace(/^\s*(?:export\s+)?/, "").startsWith(name)) + 1;
  return { variables: parseEnv(text.text), place: (name) => `.env:${lineOf(name)}`, cwd, problems: [] };
}

/** The configuration file. `path` is what was asked for; without it, `tutti.yaml` counts if it is there. */
export function fileLayer(path: string | undefined, cwd: string): Layer & { readonly path: string | undefined } {
  const full = resolve(cwd, path ?? "tutti.yaml");
  const text = readText(full);
  const nothing = { path: undefined, find: () => undefined };
  if (text.type === "absent")
    return { ...nothing, problems: path === undefined ? [] : [`wanted a configuration file, got ${path}, which is not there`] };
  if (text.type === "unreadable") return { ...nothing, problems: [text.problem] };
  const name = relative(cwd, full).startsWith("..") ? full : relative(cwd, full);
  const { value, problems, at, keyAt } = readYaml(text.text, name);
  if (problems.length > 0) return { ...nothing, path: full, problems };
  if (value === null) return { ...nothing, path: full, problems: [] };
  if (typeof value !== "object" || Array.isArray(value))
    return { ...nothing, path: full, problems: [`wanted keys and values, got ${JSON.stringify(value)} (${at([])})`] };
  const values = value as Readonly<Record<string, unknown>>;
  const unknown = Object.keys(values).filter((key) => !Object.hasOwn(SETTINGS, key));
  return {
    path: full,
    problems: unknown.map((key) => `${key} is not a setting${meant(key, KEYS)} (${keyAt([key])})`),
    find: (key) =>
      values[key] === undefined || values[key] === null
        ? undefined
        : { raw: values[key], source: (inside) => at([key, ...inside]), baseDir: dirname(full) },
  };
}

function settingOf(key: Key): Setting<unknown> {
  return SETTINGS[key];
}

function meant(name: string, names: readonly string[]): string {
  const nearest = didYouMean(name, names);
  return nearest === undefined ? "; `tutti config show` lists all" : `, did you mean ${nearest}?`;
}

type Text =
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "absent" }
  | { readonly type: "unreadable"; readonly problem: string };

function readText(path: string): Text {
  try {
    return { type: "text", text: readFileSync(path, "utf8") };
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return { type: "absent" };
    return { type: "unreadable", problem: `${basename(path)} cannot be read: ${error instanceof Error ? error.message : String(error)}` };
  }
}
