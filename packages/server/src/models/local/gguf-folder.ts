import { createWriteStream } from "node:fs";
import { access, copyFile, mkdir, open, readdir, rename, rm, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { pipeline } from "node:stream/promises";
import { AppError } from "@tutti/core";
import { request } from "undici";
import type { PullProgress } from "../provider-kind.ts";
import { cancellation } from "../upstream-error.ts";
import { readGguf, type GgufFacts } from "./gguf.ts";

/** A model on this machine's disk. */
export interface GgufModel {
  readonly name: string;
  readonly file: string;
  readonly sizeBytes: number;
  readonly facts: GgufFacts;
}

const FILES_MAX = 1_000;
const PULL_BYTES_MAX = 1024 ** 4;
const PROGRESS_BYTES = 16 * 1024 ** 2;
const REDIRECTS_MAX = 5;
/** Large models come in several files; the first of them stands for all. */
const PART = /-(\d{5})-of-\d{5}$/;

/** The GGUF files of a folder, or one file. Heads that were read are kept until their file changes. */
export class GgufFolder {
  readonly #place: { readonly folder: string } | { readonly file: string };
  readonly #log: (message: string) => void;
  readonly #known = new Map<string, { readonly stamp: string; readonly facts: GgufFacts | undefined }>();

  constructor(place: { readonly folder: string } | { readonly file: string }, log: (message: string) => void) {
    this.#place = place;
    this.#log = log;
  }

  async list(): Promise<readonly GgufModel[]> {
    const files = await this.#files();
    const models = await Promise.all(files.map((file) => this.#read(file)));
    return models.filter((model) => model !== undefined);
  }

  async find(name: string): Promise<GgufModel> {
    const models = await this.list();
    const found = models.find((model) => model.name === name);
    if (found !== undefined) return found;
    const there = models.map((model) => model.name).join(", ");
    throw new AppError(
      "model_not_found",
      `wanted a GGUF file "${name}.gguf" in ${this.#where()}, got ${there === "" ? "none" : `only: ${there}`}`,
    );
  }

  /** Brings a file from elsewhere on this machine, or from the web, into the folder. */
  async *pull(source: string, signal: AbortSignal): AsyncGenerator<PullProgress, void, undefined> {
    if ("file" in this.#place)
      throw new AppError("unsupported", "wanted a folder to put the model into, got a provider of one file; set its option folder");
    const { folder } = this.#place;
    const url = /^https?:\/\//.test(source) ? new URL(source) : undefined;
    const name = basename(url?.pathname ?? source);
    if (!name.endsWith(".gguf"))
      throw new AppError("invalid_input", `wanted the path or the https address of a .gguf file, got "${source}"`);
    await mkdir(folder, { recursive: true });
    const target = join(folder, name);
    if (await isThere(target)) throw new AppError("conflict", `wanted a new model, got "${name}", which is there already; remove it first`);
    const partial = `${target}.part`;
    try {
      if (url === undefined) yield* copy(source, partial);
      else yield* download(url, partial, signal);
      if (signal.aborted) throw cancellation(signal);
      await readGguf(partial);
      await rename(partial, target);
      yield { status: "done" };
    } finally {
      await rm(partial, { force: true });
    }
  }

  async remove(name: string): Promise<void> {
    const { file } = await this.find(name);
    if ("file" in this.#place)
      throw new AppError("unsupported", "wanted a model of a folder, got a provider of one file; remove the file yourself");
    for (const part of await partsOf(file)) await rm(part, { force: true });
  }

  #where(): string {
    return "file" in this.#place ? this.#place.file : this.#place.folder;
  }

  async #files(): Promise<readonly string[]> {
    if ("file" in this.#place) return [this.#place.file];
    const { folder } = this.#place;
    const names = await readdir(folder).catch((error: unknown) => {
      if (isCode(error, "ENOENT")) return [];
      throw new AppError("invalid_config", `wanted a folder of GGUF files, got ${folder}: ${String(error)}`, { cause: error });
    });
    const firsts = names.filter((name) => name.endsWith(".gguf") && (PART.exec(name.slice(0, -5))?.[1] ?? "00001") === "00001");
    return firsts.slice(0, FILES_MAX).map((name) => join(folder, name));
  }

  /** `undefined` for what is no model; that is told once. */
  async #read(file: string): Promise<GgufModel | undefined> {
    const sizes = await Promise.all((await partsOf(file)).map((part) => stat(part).catch(() => undefined)));
    const [first] = sizes;
    if (first === undefined) return undefined;
    const stamp = `${first.size}:${first.mtimeMs}`;
    let known = this.#known.get(file);
    if (known?.stamp !== stamp) {
      known = { stamp, facts: await this.#facts(file) };
      if (this.#known.size >= FILES_MAX) this.#known.clear();
      this.#known.set(file, known);
    }
    if (known.facts === undefined) return undefined;
    return { name: nameOf(file), file, sizeBytes: sizes.reduce((sum, part) => sum + (part?.size ?? 0), 0), facts: known.facts };
  }

  async #facts(file: string): Promise<GgufFacts | undefined> {
    try {
      return await readGguf(file);
    } catch (error) {
      this.#log(`${file} is left out: ${error instanceof Error ? error.message : String(error)}`);
      return undefined;
    }
  }
}

function nameOf(file: string): string {
  return basename(file, ".gguf").replace(PART, "");
}

async function partsOf(file: string): Promise<readonly string[]> {
  const [, , count] = /-(\d{5})-of-(\d{5})\.gguf$/.exec(file) ?? [];
  if (count === undefined) return [file];
  return Array.from({ length: Math.min(Number(count), FILES_MAX) }, (_, index) =>
    file.replace(/-\d{5}-of-/, `-${String(index + 1).padStart(5, "0")}-of-`),
  );
}

async function* copy(source: string, target: string): AsyncGenerator<PullProgress, void, undefined> {
  const handle = await open(source, "r").catch((error: unknown) => {
    throw new AppError("not_found", `wanted a .gguf file at ${source}, got ${String(error)}`, { cause: error });
  });
  const { size } = await handle.stat().finally(() => handle.close());
  yield { status: "copying", doneBytes: 0, totalBytes: size };
  await copyFile(source, target);
  yield { status: "copying", doneBytes: size, totalBytes: size };
}

async function* download(url: URL, target: string, signal: AbortSignal): AsyncGenerator<PullProgress, void, undefined> {
  const { body, totalBytes } = await answerOf(url, signal);
  const seen = { bytes: 0 };
  let news = Promise.withResolvers<void>();
  const counted = async function* (chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
    let toldBytes = 0;
    for await (const chunk of chunks) {
      seen.bytes += chunk.length;
      if (seen.bytes > PULL_BYTES_MAX)
        throw new AppError("too_large", `wanted a model of at most ${PULL_BYTES_MAX} bytes, got a larger one`);
      if (seen.bytes - toldBytes >= PROGRESS_BYTES) {
        toldBytes = seen.bytes;
        news.resolve();
      }
      yield chunk;
    }
  };
  let isDone = false;
  const writing = pipeline(body, counted, createWriteStream(target), { signal }).finally(() => {
    isDone = true;
    news.resolve();
  });
  // It is awaited below, after the last progress.
  writing.catch(() => {});
  while (!isDone) {
    yield { status: "downloading", doneBytes: seen.bytes, ...(totalBytes !== undefined && { totalBytes }) };
    await news.promise;
    news = Promise.withResolvers<void>();
  }
  await writing.catch((error: unknown) => {
    if (signal.aborted) throw cancellation(signal);
    throw error instanceof AppError
      ? error
      : new AppError("upstream", `wanted the whole of ${url.href}, got ${String(error)}`, { cause: error });
  });
}

type Answer = Awaited<ReturnType<typeof request>>;

async function answerOf(
  url: URL,
  signal: AbortSignal,
): Promise<{ readonly body: Answer["body"]; readonly totalBytes: number | undefined }> {
  let at = url;
  for (let redirects = 0; redirects <= REDIRECTS_MAX; redirects += 1) {
    const { statusCode, headers, body } = await request(at, { signal }).catch((error: unknown) => {
      if (signal.aborted) throw cancellation(signal);
      throw new AppError("upstream", `wanted a model from ${at.href}, got ${String(error)}`, { cause: error });
    });
    if (statusCode === 200) return { body, totalBytes: Number(headers["content-length"]) || undefined };
    await body.dump();
    const { location } = headers;
    if (statusCode < 300 || statusCode > 399 || typeof location !== "string")
      throw new AppError("upstream", `wanted a model from ${at.href}, got status ${statusCode}`);
    at = new URL(location, at);
  }
  throw new AppError("upstream", `wanted a model from ${url.href}, got more than ${REDIRECTS_MAX} redirects`);
}

function isThere(file: string): Promise<boolean> {
  return access(file).then(
    () => true,
    () => false,
  );
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}
