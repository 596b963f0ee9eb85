import { AppError } from "@tutti/core";
import { fitsAny } from "../name-pattern.ts";
import type { Surface } from "../provider.ts";
import type { CacheConfig, SemanticConfig } from "./cache-config.ts";
import { keyOf, similarQuestionOf } from "./cache-key.ts";
import { cacheModeOf, type CacheMode, type CacheQuestion } from "./cache-question.ts";
import { endsOf } from "./ended.ts";
import { Shelves, type Stored } from "./shelves.ts";
import { Bucket, unit } from "./similar.ts";

/** The surfaces whose answers are worth keeping: JSON that says the same to the same question. */
const SURFACES: ReadonlySet<Surface> = new Set<Surface>([
  "chat/completions",
  "completions",
  "responses",
  "messages",
  "embeddings",
  "rerank",
  "moderations",
]);

/** What an entry takes besides its bytes: keys, headers, the maps' own. */
const ENTRY_OVERHEAD_BYTES = 600;

/** An answer that was found. With the same surface and `stream`, the bytes go out as they are. */
export interface CachedAnswer {
  readonly how: "exact" | "semantic";
  readonly similarity?: number;
  readonly ageMs: number;
  readonly surface: Surface;
  readonly stream: boolean;
  readonly contentType: string;
  readonly bytes: Buffer;
}

/** An answer to keep: a 2xx body as it went to the client, whole. */
export interface AnswerToKeep {
  readonly contentType: string;
  readonly bytes: Uint8Array;
}

/** Vectors of texts, in their order. */
export type Embed = (texts: readonly string[], signal: AbortSignal) => Promise<readonly (Float32Array | readonly number[])[]>;

/** What happened since the start, and what is there now. */
export interface CacheStats {
  readonly entries: number;
  readonly bytes: number;
  readonly hitsExact: number;
  readonly hitsSemantic: number;
  readonly misses: number;
  readonly kept: number;
  readonly evicted: number;
  readonly embedFailures: number;
}

interface Entry extends Stored {
  readonly key: string;
  readonly surface: Surface;
  readonly stream: boolean;
  readonly contentType: string;
  readonly bytes: Buffer;
  readonly keptAt: number;
  readonly bucket: string | undefined;
}

/** What was found out about a question on the way in, for when its answer comes. */
interface Asked {
  readonly key: string;
  readonly mode: CacheMode;
  similar?: { readonly bucket: string; readonly vector: Float32Array };
}

/** How long a question may wait for its embedding before it counts as new. */
const EMBED_MS_MAX = 2_000;

/** Answers of models, by question: docs/caching.md. In memory, bounded in bytes and time, apart for each tenant. */
export class AnswerCache {
  readonly #config: CacheConfig | undefined;
  readonly #embed: Embed | undefined;
  readonly #now: () => number;
  readonly #shelves: Shelves<Entry>;
  readonly #buckets = new Map<string, Bucket>();
  readonly #asked = new WeakMap<CacheQuestion, Asked>();
  readonly #counts = { hitsExact: 0, hitsSemantic: 0, misses: 0, kept: 0, evicted: 0, embedFailures: 0 };

  /** Without a configuration nothing is kept. Without `embed`, only the same request finds an answer. */
  constructor(options: { readonly config?: CacheConfig | undefined; readonly embed?: Embed | undefined; readonly now?: () => number }) {
    this.#config = options.config;
    this.#embed = options.embed;
    this.#now = options.now ?? Date.now;
    const { bytesMax = 0, tenantBytesMax = 0 } = options.config ?? {};
    this.#shelves = new Shelves({ bytesMax, tenantBytesMax }, (entry) => this.#forget(entry));
  }

  /** Whether answers on a surface are kept at all. */
  isFor(surface: Surface): boolean {
    return this.#config !== undefined && SURFACES.has(surface);
  }

  /** An answer to the question or to one very like it. A promise only where an embedding has to be made. */
  find(question: CacheQuestion): CachedAnswer | undefined | Promise<CachedAnswer | undefined> {
    const config = this.#config;
    if (config === undefined || !SURFACES.has(question.surface) || !fitsAny(config.models, question.model)) return undefined;
    const mode = cacheModeOf(question.headers);
    const key = mode.reads || mode.writes ? keyOf(question) : undefined;
    if (key === undefined) return mode.mustHit ? missed(mode) : undefined;
    const asked: Asked = { key, mode };
    this.#asked.set(question, asked);
    const entry = mode.reads ? this.#entry(question, key, mode) : undefined;
    if (entry !== undefined) {
      this.#counts.hitsExact += 1;
      return this.#answer(entry, { how: "exact" });
    }
    if (config.semantic !== undefined && this.#embed !== undefined) return this.#findSimilar(question, asked, config.semantic);
    this.#counts.misses += 1;
    return missed(mode);
  }

  /** Keeps an answer to a question that `find` was asked, if it is whole and ended as the configuration wants it. */
  keep(question: CacheQuestion, { contentType, bytes }: AnswerToKeep): void {
    const asked = this.#asked.get(question);
    if (this.#config === undefined || asked === undefined || !asked.mode.writes) return;
    const { entryBytesMax, finishReasons, ttlSeconds } = this.#config;
    if (bytes.length > entryBytesMax) return;
    const ends = endsOf(question.surface, question.stream, bytes);
    if (ends === undefined || !ends.every((end) => finishReasons.includes(end))) return;
    const now = this.#now();
    const entry: Entry = {
      key: asked.key,
      surface: question.surface,
      stream: question.stream,
      contentType,
      // A copy of its own: what it was cut from may be a large pooled buffer.
      bytes: Buffer.from(bytes),
      keptAt: now,
      expiresAt: now + ttlSeconds * 1000,
      sizeBytes: bytes.length + ENTRY_OVERHEAD_BYTES + (asked.similar?.vector.byteLength ?? 0),
      bucket: asked.similar?.bucket,
    };
    this.#counts.evicted += this.#shelves.put(question.principal.tenant, asked.key, entry);
    this.#counts.kept += 1;
    if (asked.similar !== undefined) this.#index(question.principal.tenant, asked.key, asked.similar);
  }

  /** Forgets a tenant's answers, or everyone's; returns how many there were. */
  clear(tenant?: string): number {
    return this.#shelves.clear(tenant);
  }

  /** For metrics. */
  stats(): CacheStats {
    return { entries: this.#shelves.count, bytes: this.#shelves.sizeBytes, ...this.#counts };
  }

  /** How much is kept for each tenant. */
  tenants(): ReturnType<Shelves<Entry>["tenants"]> {
    return this.#shelves.tenants();
  }

  async #findSimilar(question: CacheQuestion, asked: Asked, config: SemanticConfig): Promise<CachedAnswer | undefined> {
    const similar = similarQuestionOf(question, config);
    const vector = similar === undefined ? undefined : await this.#vector(similar.text);
    if (similar !== undefined && vector !== undefined) asked.similar = { bucket: similar.bucket, vector };
    const bucket = similar === undefined || vector === undefined || !asked.mode.reads ? undefined : this.#buckets.get(similar.bucket);
    const found = vector === undefined ? undefined : bucket?.nearest(vector, config.threshold);
    const entry = found === undefined ? undefined : this.#entry(question, found.key, asked.mode);
    if (found === undefined || entry === undefined) {
      this.#counts.misses += 1;
      return missed(asked.mode);
    }
    this.#counts.hitsSemantic += 1;
    return this.#answer(entry, { how: "semantic", similarity: Math.min(1, found.similarity) });
  }

  /** A question whose embedding fails or takes too long is answered by the model: the cache must never be what breaks. */
  async #vector(text: string): Promise<Float32Array | undefined> {
    try {
      const [vector] = (await this.#embed?.([text], AbortSignal.timeout(EMBED_MS_MAX))) ?? [];
      return vector === undefined ? undefined : unit(vector);
    } catch {
      this.#counts.embedFailures += 1;
      return undefined;
    }
  }

  #entry({ principal }: CacheQuestion, key: string, { ageMsMax }: CacheMode): Entry | undefined {
    const now = this.#now();
    const entry = this.#shelves.get(principal.tenant, key, now);
    return entry === undefined || now - entry.keptAt > ageMsMax ? undefined : entry;
  }

  #answer(entry: Entry, how: Pick<CachedAnswer, "how" | "similarity">): CachedAnswer {
    const { surface, stream, contentType, bytes, keptAt } = entry;
    return { ...how, ageMs: Math.max(0, this.#now() - keptAt), surface, stream, contentType, bytes };
  }

  #index(tenant: string, key: string, { bucket, vector }: NonNullable<Asked["similar"]>): void {
    // It may have been too large for its shelf.
    if (this.#shelves.get(tenant, key, this.#now()) === undefined) return;
    const rows = this.#buckets.get(bucket) ?? new Bucket(vector.length);
    this.#buckets.set(bucket, rows);
    // What a full bucket drops can still be found by the same request.
    rows.add(key, vector);
  }

  #forget({ key, bucket }: Entry): void {
    const rows = bucket === undefined ? undefined : this.#buckets.get(bucket);
    if (bucket === undefined || rows === undefined) return;
    rows.remove(key);
    if (rows.size === 0) this.#buckets.delete(bucket);
  }
}

function missed({ mustHit }: CacheMode): undefined {
  if (!mustHit) return undefined;
  throw new AppError("not_found", "wanted an answer from the cache only (tutti-cache: only), got none; ask without it");
}
