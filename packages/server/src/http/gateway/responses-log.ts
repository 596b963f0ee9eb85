import { randomUUID } from "node:crypto";
import { AppError, type Json, type Store } from "@tutti/core";
import type { JsonObject } from "./serving.ts";

/** How long a response is kept, as OpenAI keeps them. */
const KEPT_MS = 30 * 24 * 3_600_000;
/** The most responses that are kept; beyond it the oldest go before their time. */
const KEPT_MAX = 100_000;
/** The most of them that are in memory, in characters of their JSON, and the most that may wait for the disk. */
const MEMORY_CHARS_MAX = 64 * 1024 * 1024;
const UNWRITTEN_CHARS_MAX = 256 * 1024 * 1024;
/** How long a store that does not answer is waited for at the end. */
const FLUSH_MS_MAX = 2_000;
/** Names on one page of the index, and how often what is too old is looked for. */
const PAGE_NAMES_MAX = 128;
const SWEEP_EVERY_MS = 3_600_000;
const PAGES = "responses.pages";

/** A response as it is kept. Only `response` is the client's; the rest is what is needed to go on from it. */
export interface KeptResponse {
  readonly id: string;
  readonly tenant: string;
  /** When it was begun, by this server's clock. */
  readonly keptAtMs: number;
  readonly response: JsonObject;
  /** The items that this request added; what came before is found at `previousId`. */
  readonly input: readonly JsonObject[];
  readonly previousId?: string;
  /** The provider that has it too, and under which id: it can go on from there by itself. */
  readonly native?: { readonly providerName: string; readonly model: string; readonly id: string };
  /** Of a response in the background: its events, by which a client that lost the stream goes on. */
  readonly events?: readonly JsonObject[];
  /** Who works on it, and when that was last known, while it is under way. */
  readonly worker?: { readonly id: string; readonly beatAtMs: number };
}

/** Where what is kept is written: the store's settings. */
type Settings = Pick<Store, "getSetting" | "setSetting">;

interface InMemory {
  readonly kept: KeptResponse;
  readonly chars: number;
}

/**
 * Keeps responses by tenant and id: in memory at once, in the store soon after, and from there after a restart. One response is one
 * setting; pages of an index beside them say what is too old.
 */
export class ResponseLog {
  readonly #settings: Settings;
  readonly #isShared: boolean;
  readonly #log: (message: string) => void;
  readonly #memory = new Map<string, InMemory>();
  readonly #unwritten = new Map<string, { readonly value: Json; readonly chars: number }>();
  readonly #writers = new Map<string, Promise<void>>();
  readonly #items = new Map<string, string>();
  #memoryChars = 0;
  #unwrittenChars = 0;
  #page: { readonly name: string; readonly entries: [name: string, untilMs: number][] } | undefined;
  #sweptAtMs = -Infinity;
  #sweeping: Promise<void> = Promise.resolve();

  /** `isShared`: other processes write to the same store. */
  constructor(settings: Settings, options: { readonly isShared: boolean; readonly log: (message: string) => void }) {
    this.#settings = settings;
    this.#isShared = options.isShared;
    this.#log = options.log;
  }

  /** Keeps a response, or what it has become. */
  keep(kept: KeptResponse): void {
    const name = nameOf(kept);
    const isNew = !this.#memory.has(name);
    // One text: the store would otherwise sort every key of a conversation again.
    const text = JSON.stringify(kept);
    this.#remember(name, kept, text.length);
    if (this.#unwrittenChars > UNWRITTEN_CHARS_MAX)
      return this.#log("the store is too slow: a response is kept in memory only, until others push it out");
    this.#write(name, text, text.length);
    if (isNew) this.#list(name);
    this.#sweepInTime();
  }

  async find(tenant: string, id: string): Promise<KeptResponse | undefined> {
    const name = nameOf({ tenant, id });
    const known = this.#memory.get(name);
    if (known !== undefined) {
      // The map's order is that of use.
      this.#memory.delete(name);
      this.#memory.set(name, known);
      return known.kept;
    }
    const unwritten = this.#unwritten.get(name);
    const value = unwritten === undefined ? await this.#settings.getSetting(name) : unwritten.value;
    if (typeof value !== "string") return undefined;
    const kept = JSON.parse(value) as KeptResponse;
    if (isTooOld(kept)) return undefined;
    // What another process works on changes without this one being told.
    if (kept.worker === undefined) this.#remember(name, kept, value.length);
    return kept;
  }

  /** The same, as the store has it where other processes write to it too: one of them may have deleted it. */
  async findNewest(tenant: string, id: string): Promise<KeptResponse | undefined> {
    const name = nameOf({ tenant, id });
    if (this.#isShared && !this.#unwritten.has(name)) this.#forget(name);
    return this.find(tenant, id);
  }

  /** The item with an id that a response of this tenant holds, where that is known. */
  async findItem(tenant: string, itemId: string, nearby?: { get(id: string): KeptResponse | undefined }): Promise<JsonObject | undefined> {
    const found = /^[a-z]+_(.+)_\d+$/.exec(itemId);
    const responseId = this.#items.get(JSON.stringify([tenant, itemId])) ?? (found?.[1] === undefined ? undefined : `resp_${found[1]}`);
    const kept = responseId === undefined ? undefined : (nearby?.get(responseId) ?? (await this.find(tenant, responseId)));
    if (kept === undefined) return undefined;
    return [...outputOf(kept), ...kept.input].find(({ id }) => id === itemId);
  }

  /** Forgets a response; `false`: there was none. */
  async delete(tenant: string, id: string): Promise<boolean> {
    if ((await this.find(tenant, id)) === undefined) return false;
    this.#drop(nameOf({ tenant, id }));
    await this.flush();
    return true;
  }

  /** Resolves once everything kept so far is in the store, or it has become clear that it will not be. */
  async flush(): Promise<void> {
    const late = Promise.withResolvers<void>();
    const timer = setTimeout(late.resolve, FLUSH_MS_MAX);
    await Promise.race([late.promise, this.#sweeping.then(async () => Promise.all(this.#writers.values()))]);
    clearTimeout(timer);
  }

  #remember(name: string, kept: KeptResponse, chars: number): void {
    this.#forget(name);
    this.#memory.set(name, { kept, chars });
    this.#memoryChars += chars;
    for (const { id } of kept.native === undefined ? [] : outputOf(kept))
      if (typeof id === "string") this.#items.set(JSON.stringify([kept.tenant, id]), kept.id);
    for (const oldest of this.#memory.keys()) {
      if (this.#memoryChars <= MEMORY_CHARS_MAX || oldest === name) break;
      this.#forget(oldest);
    }
  }

  #forget(name: string): void {
    const known = this.#memory.get(name);
    if (known === undefined) return;
    this.#memory.delete(name);
    this.#memoryChars -= known.chars;
    for (const { id } of known.kept.native === undefined ? [] : outputOf(known.kept))
      if (typeof id === "string") this.#items.delete(JSON.stringify([known.kept.tenant, id]));
  }

  #drop(name: string): void {
    this.#forget(name);
    this.#write(name, null, 0);
  }

  #list(name: string): void {
    this.#page ??= this.#newPage();
    const { name: page, entries } = this.#page;
    entries.push([name, Date.now() + KEPT_MS]);
    this.#write(page, entries, entries.length * name.length);
    if (entries.length >= PAGE_NAMES_MAX) this.#page = undefined;
  }

  #newPage(): { readonly name: string; readonly entries: [string, number][] } {
    const name = `responses.page.${randomUUID()}`;
    this.#sweeping = this.#sweeping.then(async () => {
      const pages = await this.#pages();
      await this.#settings.setSetting(PAGES, [...pages, name]);
    });
    this.#sweeping = this.#sweeping.catch((thrown: unknown) => this.#failed(thrown));
    return { name, entries: [] };
  }

  async #pages(): Promise<readonly string[]> {
    const pages = await this.#settings.getSetting(PAGES);
    return Array.isArray(pages) ? (pages as readonly string[]) : [];
  }

  /** Each name is written by one writer, which takes what the name has become meanwhile. */
  #write(name: string, value: Json, chars: number): void {
    const known = this.#unwritten.get(name);
    this.#unwrittenChars += chars - (known?.chars ?? 0);
    this.#unwritten.set(name, { value, chars });
    // Owned by `flush`; it cannot reject.
    if (known === undefined) this.#writers.set(name, this.#writeAll(name));
  }

  async #writeAll(name: string): Promise<void> {
    for (let next = this.#unwritten.get(name); next !== undefined;) {
      await this.#settings.setSetting(name, next.value).catch((thrown: unknown) => this.#failed(thrown));
      const newest = this.#unwritten.get(name);
      if (newest === next) this.#unwritten.delete(name);
      next = newest === next ? undefined : newest;
      if (next === undefined) this.#unwrittenChars -= newest?.chars ?? 0;
    }
    this.#writers.delete(name);
  }

  #failed(thrown: unknown): void {
    this.#log(`a response could not be kept in the store: ${AppError.from(thrown).message}`);
  }

  #sweepInTime(): void {
    if (Date.now() - this.#sweptAtMs < SWEEP_EVERY_MS) return;
    this.#sweptAtMs = Date.now();
    this.#sweeping = this.#sweeping.then(() => this.#sweep()).catch((thrown: unknown) => this.#failed(thrown));
  }

  /** Drops the pages whose responses are all too old, and the oldest while there are too many. */
  async #sweep(): Promise<void> {
    const pages = await this.#pages();
    const spare = Math.max(0, pages.length - Math.ceil(KEPT_MAX / PAGE_NAMES_MAX));
    const left: string[] = [];
    for (const [index, page] of pages.entries()) {
      const entries = await this.#settings.getSetting(page);
      const names = Array.isArray(entries) ? (entries as readonly (readonly [string, number])[]) : [];
      const isOver = page !== this.#page?.name && (index < spare || names.every(([, untilMs]) => untilMs < Date.now()));
      if (!isOver) left.push(page);
      else for (const name of [...names.map(([item]) => item), page]) this.#drop(name);
    }
    if (left.length < pages.length) await this.#settings.setSetting(PAGES, left);
  }
}

function nameOf({ tenant, id }: Pick<KeptResponse, "tenant" | "id">): string {
  return `response:${encodeURIComponent(tenant)}:${id}`;
}

/** The items that a response ended with. */
export function outputOf({ response }: KeptResponse): readonly JsonObject[] {
  return Array.isArray(response.output) ? (response.output as readonly JsonObject[]) : [];
}

function isTooOld({ keptAtMs }: KeptResponse): boolean {
  return keptAtMs + KEPT_MS < Date.now();
}
