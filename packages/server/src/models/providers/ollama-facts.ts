import { AppError } from "@tutti/core";
import { z } from "zod";
import { askJson } from "../ask.ts";
import type { Ability, ModelFacts } from "../provider-kind.ts";
import type { Upstream } from "../upstream.ts";

/** Models that are looked at one by one, and how many at once. The rest is known by name, size and digest only. */
const SHOWN_MAX = 500;
const SHOWN_AT_ONCE = 4;

const tagsSchema = z.object({
  models: z
    .array(
      z.object({
        name: z.string().min(1).max(256),
        digest: z.string().optional(),
        size: z.int().optional(),
        modified_at: z.string().optional(),
      }),
    )
    .nullable(),
});
const loadedSchema = z.object({ models: z.array(z.object({ name: z.string(), context_length: z.int().optional() })).nullable() });
const showSchema = z.object({
  capabilities: z.array(z.string()).optional(),
  parameters: z.string().optional(),
  model_info: z.record(z.string(), z.unknown()).nullish(),
});
const versionSchema = z.object({ version: z.string() });

/** What only a look at one model tells; it stays true as long as the model's digest does. */
type Shown = Pick<ModelFacts, "abilities" | "contextTokens" | "dimensions"> & { readonly ownContextTokens?: number };

/** Ollama's words for what a model can do. It generates JSON by grammar, whatever the model is. */
const ABILITIES: ReadonlyMap<string, readonly Ability[]> = new Map([
  ["completion", ["chat", "json"]],
  ["tools", ["tools"]],
  ["vision", ["vision"]],
  ["audio", ["audio-in"]],
  ["thinking", ["reasoning"]],
  ["embedding", ["embeddings"]],
  ["image", ["images"]],
]);

/** Reads what an Ollama server has, and remembers what cannot change. */
export class OllamaFacts {
  readonly #upstream: Upstream;
  readonly #configured: number | undefined;
  #shown = new Map<string, Shown>();
  #version: readonly number[] = [];

  /** `contextTokens`: how long prompts may be on this server, where its owner has said so. */
  constructor(upstream: Upstream, contextTokens: number | undefined) {
    this.#upstream = upstream;
    this.#configured = contextTokens;
  }

  /** Whether the server is at least of this version; `false` until it was asked. */
  isAtLeast(wanted: readonly [major: number, minor: number, patch: number]): boolean {
    for (const [index, part] of wanted.entries()) {
      const has = this.#version[index];
      if (has === undefined) return false;
      if (has !== part) return has > part;
    }
    return true;
  }

  async discover(signal: AbortSignal): Promise<readonly ModelFacts[]> {
    const [tags, loaded, version] = await Promise.all([
      this.#get("/api/tags", tagsSchema, signal),
      this.#get("/api/ps", loadedSchema, signal),
      this.#get("/api/version", versionSchema, signal),
    ]);
    this.#version = /^\d+\.\d+\.\d+/.exec(version.version)?.[0].split(".").map(Number) ?? [];
    const models = tags.models ?? [];
    await this.#look(models.slice(0, SHOWN_MAX), signal);
    const inMemory = new Map((loaded.models ?? []).map(({ name, context_length: context }) => [name, context]));
    return models.map(({ name, digest, size, modified_at: modifiedAt }) => {
      const { ownContextTokens, contextTokens, ...shown } = this.#shown.get(keyOf(name, digest)) ?? {};
      // A model in memory has the context it was loaded with, which is mostly far less than what its weights could do.
      const context = inMemory.get(name) ?? ownContextTokens ?? smaller(this.#configured, contextTokens);
      const created = modifiedAt === undefined ? Number.NaN : Math.floor(Date.parse(modifiedAt) / 1_000);
      return {
        name,
        ...(!Number.isNaN(created) && { created }),
        ...(digest !== undefined && { version: digest.startsWith("sha256:") ? digest : `sha256:${digest}` }),
        ...shown,
        ...(context !== undefined && { contextTokens: context }),
        ...(size !== undefined && { sizeBytes: size }),
        isLoaded: inMemory.has(name),
      };
    });
  }

  /** What a model can do, as far as it was looked at. */
  abilities(name: string): readonly Ability[] | undefined {
    for (const [key, shown] of this.#shown) if (key.startsWith(`${name} `) || key.startsWith(`${name}:latest `)) return shown.abilities;
    return undefined;
  }

  async #look(models: readonly { readonly name: string; readonly digest?: string | undefined }[], signal: AbortSignal): Promise<void> {
    const known = this.#shown;
    const shown = new Map<string, Shown>();
    let next = 0;
    const lane = async (): Promise<void> => {
      for (let item = models[next++]; item !== undefined; item = models[next++]) {
        const key = keyOf(item.name, item.digest);
        shown.set(key, known.get(key) ?? (await this.#show(item.name, signal)));
      }
    };
    await Promise.all(Array.from({ length: SHOWN_AT_ONCE }, lane));
    this.#shown = shown;
  }

  async #show(name: string, signal: AbortSignal): Promise<Shown> {
    const body = await askJson(this.#upstream, { path: "/api/show", body: { model: name } }, signal).catch((error: unknown) => {
      // One that was removed meanwhile, or whose files are broken, hides none of the others.
      if (signal.aborted || AppError.from(error).code === "timeout") throw error;
      return {};
    });
    const { capabilities, parameters, model_info: info } = read(showSchema, body, "/api/show");
    const architecture = info?.["general.architecture"];
    const contextTokens = countOf(info?.[`${String(architecture)}.context_length`]);
    const dimensions = countOf(info?.[`${String(architecture)}.embedding_length`]);
    const ownContextTokens = countOf(Number(/^num_ctx\s+(\d{1,9})\s*$/m.exec(parameters ?? "")?.[1]));
    const abilities = capabilities?.flatMap((word) => ABILITIES.get(word) ?? []);
    return {
      ...(abilities !== undefined && { abilities }),
      ...(contextTokens !== undefined && { contextTokens }),
      ...(ownContextTokens !== undefined && { ownContextTokens }),
      ...(dimensions !== undefined && abilities?.includes("embeddings") === true && { dimensions }),
    };
  }

  async #get<T>(path: string, schema: z.ZodType<T>, signal: AbortSignal): Promise<T> {
    return read(schema, await askJson(this.#upstream, { path, method: "GET" }, signal), path);
  }
}

function read<T>(schema: z.ZodType<T>, value: unknown, path: string): T {
  const checked = schema.safeParse(value);
  if (checked.success) return checked.data;
  throw new AppError("upstream", `wanted what Ollama answers at ${path}, got something else: ${z.prettifyError(checked.error)}`);
}

function keyOf(name: string, digest: string | undefined): string {
  return `${name} ${digest ?? ""}`;
}

function countOf(value: unknown): number | undefined {
  return Number.isSafeInteger(value) && (value as number) > 0 ? (value as number) : undefined;
}

function smaller(first: number | undefined, second: number | undefined): number | undefined {
  return first === undefined || second === undefined ? (first ?? second) : Math.min(first, second);
}
