import { AppError } from "@tutti/core";
import type { Dispatcher } from "undici";
import { transportError } from "./upstream-error.ts";
import type { Upstream } from "./upstream.ts";

/** A model as `GET /v1/models` lists it. `created` is in seconds since 1970, as OpenAI has it. */
export interface ModelEntry {
  readonly id: string;
  readonly provider: string;
  readonly created?: number;
}

/** How long a list is good for, how long an upstream may take to give it, and how large it may be. */
const TTL_MS = 60_000;
const DISCOVERY_MS = 5_000;
const LIST_BYTES_MAX = 4 * 1024 * 1024;
const ENTRIES_MAX = 5_000;
const ID_CHARS_MAX = 256;
/** The first to ask waits this long for the first discovery; nobody waits later. */
const FIRST_WAIT_MS = 1_000;

/** Knows which models the providers say they serve. It asks in the background and keeps what it knew when one does not answer. */
export class Catalog {
  readonly #upstreams: readonly Upstream[];
  readonly #log: (message: string) => void;
  readonly #closing = new AbortController();
  readonly #found = new Map<Upstream, ReadonlyMap<string, ModelEntry>>();
  readonly #complaints = new Map<Upstream, string>();
  #askedAtMs = -Infinity;
  #refreshing: Promise<void> = Promise.resolve();
  #isKnown = false;

  constructor(upstreams: readonly Upstream[], log: (message: string) => void) {
    this.#upstreams = upstreams;
    this.#log = log;
    this.#refreshIfStale();
  }

  /** What one upstream said it serves, as far as is known now. */
  discovered(upstream: Upstream): ReadonlyMap<string, ModelEntry> {
    this.#refreshIfStale();
    return this.#found.get(upstream) ?? NOTHING;
  }

  /** Resolves once every provider was asked for the first time, or after a second. */
  async known(): Promise<void> {
    this.#refreshIfStale();
    if (this.#isKnown) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, FIRST_WAIT_MS);
    await Promise.race([this.#refreshing, promise]);
    clearTimeout(timer);
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#refreshing;
  }

  #refreshIfStale(): void {
    if (this.#closing.signal.aborted || performance.now() - this.#askedAtMs < TTL_MS) return;
    this.#askedAtMs = performance.now();
    // Owned by `close`, which waits for it; it cannot reject.
    this.#refreshing = Promise.all(this.#upstreams.map((upstream) => this.#refresh(upstream))).then(() => {
      this.#isKnown = true;
    });
  }

  async #refresh(upstream: Upstream): Promise<void> {
    const { name } = upstream.provider;
    const signal = AbortSignal.any([this.#closing.signal, AbortSignal.timeout(DISCOVERY_MS)]);
    try {
      this.#found.set(upstream, await discover(upstream, signal));
      this.#complaints.delete(upstream);
    } catch (thrown) {
      const { message } = transportError(thrown, name, signal);
      if (this.#closing.signal.aborted || this.#complaints.get(upstream) === message) return;
      this.#complaints.set(upstream, message);
      this.#log(`the models of the provider "${name}" could not be listed: ${message}`);
    }
  }
}

const NOTHING: ReadonlyMap<string, ModelEntry> = new Map();

async function discover(upstream: Upstream, signal: AbortSignal): Promise<ReadonlyMap<string, ModelEntry>> {
  const headers = ["accept", "application/json", ...upstream.ownHeaders];
  const answer = await upstream.request({ path: "/models", method: "GET", headers, body: null }, signal);
  const text = await readText(answer.body);
  if (answer.statusCode !== 200) throw new AppError("upstream", `wanted status 200, got ${answer.statusCode}`);
  const { data } = JSON.parse(text) as { readonly data?: unknown };
  if (!Array.isArray(data)) throw new AppError("upstream", "wanted a list of models, got something else");
  const entries = new Map<string, ModelEntry>();
  for (const item of data.slice(0, ENTRIES_MAX) as readonly ({ readonly id?: unknown; readonly created?: unknown } | null)[]) {
    if (typeof item?.id !== "string" || item.id === "" || item.id.length > ID_CHARS_MAX) continue;
    const created = Number.isSafeInteger(item.created) ? { created: item.created as number } : {};
    entries.set(item.id, { id: item.id, provider: upstream.provider.name, ...created });
  }
  return entries;
}

async function readText(body: Dispatcher.ResponseData["body"]): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > LIST_BYTES_MAX) throw new AppError("upstream", `wanted a list of at most ${LIST_BYTES_MAX} bytes, got more`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}
