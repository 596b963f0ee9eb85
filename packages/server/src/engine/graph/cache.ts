import { createHash } from "node:crypto";
import { canonicalJson, type BlobRef, type Json, type Store } from "@tutti/core";

/** Keeps what nodes gave, for other runs. Losing an entry is no fault: the node then does its work again. */
export interface GraphCache {
  get(digest: string): Promise<Kept | undefined>;
  set(digest: string, kept: Kept, ttlMs: number): Promise<void>;
}

/** What a node gave, and the untrusted content that the run had read by then, by source. */
interface Kept {
  readonly value: Json;
  readonly tainted: readonly string[];
}

/** The index is one setting of the store; the values are blobs by their content. */
const SETTING = "graph.cache.2";
/** The entry that was used longest ago goes first. */
const ENTRIES_MAX = 1_000;

interface Entry {
  readonly blob: BlobRef;
  readonly untilMs: number;
}

/** What a cached value is found by: what was asked, of whom, under which key. */
export function digestOf(asked: Json): string {
  return createHash("sha256").update(canonicalJson(asked)).digest("hex");
}

/** A cache in a store. */
export function storeCache(store: Pick<Store, "getSetting" | "setSetting" | "putBlob" | "getBlob">): GraphCache {
  let entries: Promise<Map<string, Entry>> | undefined;
  const load = (): Promise<Map<string, Entry>> =>
    (entries ??= store
      .getSetting(SETTING)
      .then((value) => new Map(Object.entries((value ?? {}) as unknown as Readonly<Record<string, Entry>>))));
  return {
    async get(digest) {
      const index = await load();
      const entry = index.get(digest);
      if (entry === undefined || entry.untilMs <= Date.now()) return undefined;
      index.delete(digest);
      index.set(digest, entry);
      // Values are removed when nobody has written them for long; this one is made again then.
      const text = await store.getBlob(entry.blob).catch(() => undefined);
      return text === undefined ? undefined : (JSON.parse(text) as Kept);
    },
    async set(digest, { value, tainted }, ttlMs) {
      const index = await load();
      index.delete(digest);
      index.set(digest, { blob: await store.putBlob(canonicalJson({ value, tainted })), untilMs: Date.now() + ttlMs });
      for (const oldest of index.keys()) {
        if (index.size <= ENTRIES_MAX) break;
        index.delete(oldest);
      }
      await store.setSetting(
        SETTING,
        Object.fromEntries([...index].map(([key, { blob, untilMs }]) => [key, { blob: { ...blob }, untilMs }])),
      );
    },
  };
}
