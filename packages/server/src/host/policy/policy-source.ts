import { readdir, readFile, stat } from "node:fs/promises";
import { join } from "node:path";
import { AppError } from "@tutti/core";
import { readPolicy, type PolicyProblem, type PolicyText } from "./read-policy.ts";
import { POLICY_BOUNDS } from "./rule-schema.ts";
import type { ToolPolicy } from "./tool-policy.ts";

/** How a policy from files stands. */
export type PolicyState =
  /** There are no files; `path` is where one would be found. */
  | { readonly status: "none"; readonly path: string | undefined }
  | {
      readonly status: "in-force";
      readonly path: string;
      readonly since: string;
      readonly policy: ToolPolicy;
      readonly warnings: readonly PolicyProblem[];
    }
  /** The files are wrong. What was in force before them stays so; `kept` is left out when nothing was. */
  | {
      readonly status: "broken";
      readonly path: string;
      readonly since: string;
      readonly problems: readonly PolicyProblem[];
      readonly kept?: ToolPolicy;
    };

/** Where a policy is read from. */
export interface PolicySourceOptions {
  /** Where it may be, the first that is there. With `isRequired` it is the first, there or not. */
  readonly paths: readonly string[];
  readonly isRequired: boolean;
  readonly tools: () => readonly string[];
  /** Called with every new state; must not throw. */
  readonly onChange: (state: PolicyState) => void;
}

/**
 * How often files are looked at. Watches would tell sooner, but not on every disk, and of the data folder they tell of each write to the
 * database.
 */
const LOOK_AGAIN_MS = 2_000;
const FILE_BYTES_MAX = 4 * 1_048_576;

/** A policy in a file or a folder of files, followed as it changes. */
export class PolicySource implements AsyncDisposable {
  readonly #options: PolicySourceOptions;
  #state: PolicyState;
  #read: string | undefined;
  #reloading: Promise<unknown> = Promise.resolve();
  #seen: string | undefined;
  readonly #waiting: ((state: PolicyState) => void)[] = [];
  #looking: NodeJS.Timeout | undefined;

  constructor(options: PolicySourceOptions) {
    this.#options = options;
    this.#state = { status: "none", path: options.paths[0] };
  }

  get state(): PolicyState {
    return this.#state;
  }

  /** Reads the files again; a new state is told and returned. One after the other. */
  reload(): Promise<PolicyState> {
    const reloaded = this.#reloading.then(() => this.#reload());
    this.#reloading = reloaded.catch(() => undefined);
    return reloaded;
  }

  /** Resolves with the state that comes after this one. */
  nextState(): Promise<PolicyState> {
    return new Promise((resolve) => void this.#waiting.push(resolve));
  }

  /** Follows changes from now on. */
  follow(): void {
    this.#looking = setInterval(() => void this.#look(), LOOK_AGAIN_MS).unref();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.#looking);
    await this.#reloading;
  }

  /** Reads the files again when they do not look as they did. */
  async #look(): Promise<void> {
    const seen = await signatureOf(this.#options.paths);
    if (seen === this.#seen) return;
    this.#seen = seen;
    await this.reload();
  }

  async #reload(): Promise<PolicyState> {
    const { paths, isRequired, tools, onChange } = this.#options;
    const found = await this.#find(paths, isRequired);
    const read = JSON.stringify(found);
    if (read === this.#read) return this.#state;
    this.#read = read;
    this.#state = this.#next(found, tools());
    onChange(this.#state);
    for (const resolve of this.#waiting.splice(0)) resolve(this.#state);
    return this.#state;
  }

  #next(found: Found | undefined, tools: readonly string[]): PolicyState {
    const since = new Date().toISOString();
    const before = policyOf(this.#state);
    if (found === undefined) {
      if (before === undefined) return { status: "none", path: this.#options.paths[0] };
      // Taking the file away must not open what it closed; a start without one does.
      const path = "path" in this.#state ? (this.#state.path ?? "") : "";
      return { status: "broken", path, since, kept: before, problems: [gone(path)] };
    }
    const { path } = found;
    const reading = "texts" in found ? readPolicy(found.texts, tools) : { ok: false as const, problems: found.problems };
    if (reading.ok) return { status: "in-force", path, since, policy: reading.policy, warnings: reading.warnings };
    return { status: "broken", path, since, problems: reading.problems, ...(before && { kept: before }) };
  }

  async #find(paths: readonly string[], isRequired: boolean): Promise<Found | undefined> {
    for (const path of paths) {
      const entry = await stat(path).catch(() => undefined);
      if (entry === undefined && !isRequired) continue;
      try {
        return { path, texts: await readPolicyFiles(path) };
      } catch (error) {
        return { path, problems: [{ ...gone(path), message: AppError.from(error).message }] };
      }
    }
    return undefined;
  }
}

type Found =
  | { readonly path: string; readonly texts: readonly PolicyText[] }
  | { readonly path: string; readonly problems: readonly PolicyProblem[] };

/** The rules that a state leaves in force. */
export function policyOf(state: PolicyState): ToolPolicy | undefined {
  if (state.status === "in-force") return state.policy;
  return state.status === "broken" ? state.kept : undefined;
}

function gone(path: string): PolicyProblem {
  return { name: path, line: 1, column: 1, message: "the file is gone; put it back, or start Tutti again without it", snippet: ["", ""] };
}

/** How files look from outside: it changes when any of them does. */
async function signatureOf(paths: readonly string[]): Promise<string> {
  const looks = paths.map(async (path) => {
    const entry = await stat(path).catch(() => undefined);
    if (entry?.isDirectory() !== true) return [path, entry?.mtimeMs, entry?.size, entry?.ino];
    const names = (await readdir(path).catch(() => [])).filter(isRules).slice(0, POLICY_BOUNDS.filesMax + 1);
    return [
      path,
      ...(await Promise.all(
        names.map(async (name) => [
          name,
          await stat(join(path, name)).then(
            ({ mtimeMs, size, ino }) => [mtimeMs, size, ino],
            () => [],
          ),
        ]),
      )),
    ];
  });
  return JSON.stringify(await Promise.all(looks));
}

const isRules = (name: string): boolean => /^[^.].*\.ya?ml$/.test(name);

/** Where a policy that no setting names may be. */
export function policyPlaces(baseDir: string, dataDir: string): readonly string[] {
  return [join(baseDir, POLICY_FILE), join(dataDir, POLICY_FILE)];
}

const POLICY_FILE = "tool_policy.yaml";

/** Where one is. */
export async function findPolicy(baseDir: string, dataDir: string): Promise<string | undefined> {
  for (const path of policyPlaces(baseDir, dataDir)) if ((await stat(path).catch(() => undefined)) !== undefined) return path;
  return undefined;
}

/** The texts of a policy: one file, or all YAML files of a folder by name. Throws `invalid_config` for what cannot be read. */
export async function readPolicyFiles(path: string): Promise<readonly PolicyText[]> {
  try {
    if (!(await stat(path)).isDirectory()) return [await readText(path)];
    const names = (await readdir(path)).filter(isRules).toSorted();
    if (names.length > POLICY_BOUNDS.filesMax)
      throw new AppError("invalid_config", `wanted at most ${POLICY_BOUNDS.filesMax} files in ${path}, got ${names.length}`);
    return await Promise.all(names.map((name) => readText(join(path, name))));
  } catch (error) {
    if (error instanceof AppError) throw error;
    if (error instanceof Error && "code" in error && error.code === "ENOENT")
      throw new AppError("invalid_config", `wanted a file or folder of rules at ${path}, got none there`, { cause: error });
    throw new AppError("invalid_config", `${path} cannot be read: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
}

async function readText(path: string): Promise<PolicyText> {
  const { size } = await stat(path);
  if (size > FILE_BYTES_MAX) throw new AppError("too_large", `wanted a file of at most ${FILE_BYTES_MAX} bytes, got ${size}`);
  return { name: path, text: await readFile(path, "utf8") };
}
