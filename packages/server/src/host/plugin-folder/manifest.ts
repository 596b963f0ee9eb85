import { readFile } from "node:fs/promises";
import { join, normalize } from "node:path";
import { AppError, type Json } from "@tutti/core";
import type { Panel, PluginPermissions } from "@tutti/core/plugin";
import { z } from "zod";
import { readYaml, type YamlFile } from "../config/index.ts";
import { datasetsSchema, panelsSchema, type Dataset } from "../panels/index.ts";
import { declaredIn, declaredSchedule, declaredSubscription } from "./declared.ts";
import { readSkillHead } from "./skill.ts";

const MANIFEST = "tutti.plugin.json";
const MANIFEST_BYTES_MAX = 262_144;
const ITEMS_MAX = 100;
const MEMORY_MB_MIN = 128;
const MEMORY_MB_MAX = 8_192;
const MEMORY_MB = 256;

/** What a plugin says of itself, and what it asks for. */
export interface PluginManifest {
  readonly name: string;
  readonly version: string;
  readonly description: string;
  /** The module that runs in a process of its own, relative to the folder; a plugin that is data only has none. */
  readonly entry?: string | undefined;
  readonly permissions: PluginPermissions;
  /** Files of the folder. */
  readonly agents: readonly string[];
  readonly graphs: readonly string[];
  /** Folders with a SKILL.md. */
  readonly skills: readonly string[];
  readonly schedules: readonly Json[];
  readonly subscriptions: readonly Json[];
  readonly panels: readonly Panel[];
  readonly datasets: readonly Dataset[];
}

const texts = (what: string, shape: RegExp): z.ZodDefault<z.ZodArray<z.ZodString>> =>
  z.array(z.string(what).regex(shape, what)).max(ITEMS_MAX, `at most ${ITEMS_MAX} of them`).default([]);

const INSIDE = "a relative path inside the plugin's folder";
const inside = z
  .string(INSIDE)
  .min(1, INSIDE)
  .refine((path) => isInside(path), INSIDE);

const permissions = z
  .strictObject({
    network: texts('hosts such as "api.example.com", "*.example.com" or "127.0.0.1:8080"', /^(\*\.)?[\w-]+(\.[\w-]+)*(:\d{1,5})?$/),
    secrets: texts("names of secrets, in capital letters, digits and _", /^[A-Z][A-Z0-9_]{0,63}$/),
    tools: texts("names of tools", /^[a-zA-Z0-9_-]{1,64}$/),
    models: texts("names of models", /^\S{1,256}$/),
    paths: texts('absolute paths, with "rw:" in front of those to write', /^(rw:)?\/[^\0]*$/),
    offers: texts("names of the plugin's own tools", /^[a-zA-Z0-9_-]{1,64}$/),
    memoryMb: z
      .int("a whole number")
      .min(MEMORY_MB_MIN, `at least ${MEMORY_MB_MIN}, of which Node itself takes about 90`)
      .max(MEMORY_MB_MAX, `at most ${MEMORY_MB_MAX}`)
      .default(MEMORY_MB),
  })
  .prefault({});

const NAME = "lower-case letters, digits and dashes, beginning with a letter, at most 64";
const schema = z.strictObject({
  $schema: z.string().exactOptional(),
  name: z.string(NAME).regex(/^[a-z][a-z0-9-]{0,63}$/, NAME),
  version: z.string('a version such as "1.0.0"').regex(/^\d+(\.\d+){0,2}(-[\w.]+)?$/, 'a version such as "1.0.0"'),
  description: z.string("what the plugin is for").min(1, "what the plugin is for").max(1024, "at most 1024 characters"),
  entry: inside.exactOptional(),
  permissions,
  agents: z.array(inside).max(ITEMS_MAX).default([]),
  graphs: z.array(inside).max(ITEMS_MAX).default([]),
  skills: z.array(inside).max(ITEMS_MAX).default([]),
  schedules: z.array(declaredSchedule).max(ITEMS_MAX).default([]),
  subscriptions: z.array(declaredSubscription).max(ITEMS_MAX).default([]),
  panels: panelsSchema.default([]),
  datasets: datasetsSchema(inside).default([]),
});

/** A skill without a manifest asks for nothing. */
const NO_PERMISSIONS: PluginPermissions = { ...permissions.parse({}), ...declaredIn([], []) };

/**
 * What the manifest of a folder says: `tutti.plugin.json`, the key `tutti` of `package.json`, or a `SKILL.md`, which is a plugin of one skill.
 * Throws `not_found` where there is none, and `invalid_config` that names every problem with its line and column.
 */
export async function readManifest(folder: string): Promise<PluginManifest> {
  const found = await fileOf(folder);
  if (found !== undefined) return parseManifest(found.file, found.at);
  const skill = await textOf(join(folder, "SKILL.md"));
  if (skill !== undefined) return ofSkill(skill);
  throw new AppError("not_found", `wanted ${MANIFEST}, a package.json with the key "tutti", or SKILL.md, got none of them in ${folder}`);
}

/** Where what stands in a folder's manifest, as `file:line:column`. */
export async function placesIn(folder: string): Promise<(path: readonly PropertyKey[]) => string> {
  const found = await fileOf(folder);
  return found === undefined ? () => "SKILL.md" : (path) => found.file.at([...found.at, ...path]);
}

/** The file that holds a manifest, and what key it stands under. */
async function fileOf(folder: string): Promise<{ readonly file: YamlFile; readonly at: readonly string[] } | undefined> {
  const text = await textOf(join(folder, MANIFEST));
  if (text !== undefined) return { file: readYaml(text, MANIFEST), at: [] };
  const packageText = await textOf(join(folder, "package.json"));
  if (packageText === undefined) return undefined;
  const file = readYaml(packageText, "package.json");
  if (file.problems.length > 0) throw new AppError("invalid_config", file.problems.join("\n"));
  return isObject(file.value) && isObject(file.value["tutti"]) ? { file, at: ["tutti"] } : undefined;
}

function parseManifest(file: YamlFile, at: readonly string[]): PluginManifest {
  if (file.problems.length > 0) throw new AppError("invalid_config", file.problems.join("\n"));
  const result = schema.safeParse(valueAt(file.value, at));
  if (result.success) {
    const { schedules, subscriptions } = result.data;
    return { ...result.data, permissions: { ...result.data.permissions, ...declaredIn(schedules, subscriptions) } };
  }
  throw new AppError("invalid_config", result.error.issues.flatMap((issue) => describe(issue, file, at)).join("\n"));
}

/** What `package.json` says already need not be said again. */
function valueAt(value: unknown, at: readonly string[]): unknown {
  if (at.length === 0 || !isObject(value)) return value;
  const { name, version, description } = value;
  const own = value["tutti"] as Readonly<Record<string, unknown>>;
  const shortName = typeof name === "string" ? name.replace(/^@[^/]*\//, "") : name;
  return { name: shortName, version, description, ...own };
}

function describe(issue: z.core.$ZodIssue, file: YamlFile, at: readonly string[]): readonly string[] {
  const name = issue.path
    .map((part, index) => (typeof part === "number" ? `[${part}]` : `${index === 0 ? "" : "."}${String(part)}`))
    .join("");
  const place = file.at([...at, ...issue.path]);
  if (issue.code !== "unrecognized_keys") return [`${name || "the manifest"} must be ${issue.message} (${place})`];
  return issue.keys.map((key) => `${[...issue.path, key].join(".")} is no key of a manifest (${file.keyAt([...at, ...issue.path, key])})`);
}

function ofSkill(text: string): PluginManifest {
  const { name, description } = readSkillHead(text, "SKILL.md");
  return {
    name,
    version: "1.0.0",
    description,
    permissions: NO_PERMISSIONS,
    agents: [],
    graphs: [],
    skills: ["."],
    schedules: [],
    subscriptions: [],
    panels: [],
    datasets: [],
  };
}

async function textOf(path: string): Promise<string | undefined> {
  const bytes = await readFile(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw new AppError("invalid_config", `${path} cannot be read: ${error.message}`, { cause: error });
  });
  if (bytes !== undefined && bytes.length > MANIFEST_BYTES_MAX)
    throw new AppError("too_large", `wanted at most ${MANIFEST_BYTES_MAX} bytes, got ${bytes.length} in ${path}`);
  return bytes?.toString("utf8");
}

/** Whether a relative path stays inside the folder it counts from. Pure. */
export function isInside(path: string): boolean {
  const way = normalize(path).replaceAll("\\", "/");
  return !path.includes("\0") && !way.startsWith("../") && way !== ".." && !/^(?:\/|[a-zA-Z]:)/.test(way);
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
