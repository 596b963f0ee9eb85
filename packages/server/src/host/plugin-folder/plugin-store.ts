import { AppError, type Json, type Store } from "@tutti/core";

/** All that one plugin keeps. What is larger belongs in files or in a database of its own. */
const CHARACTERS_MAX = 262_144;
const KEYS_MAX = 1_000;

type Kept = Readonly<Record<string, Json>>;

/** What a plugin keeps: one setting of the store, so it is in every backup. Its changes follow each other; two nodes' last one wins. */
export class PluginStore {
  readonly #setting: string;
  readonly #store: Store;
  #last: Promise<unknown> = Promise.resolve();

  constructor(name: string, store: Store) {
    this.#setting = `plugin.${name}.storage`;
    this.#store = store;
  }

  async get(key: string): Promise<Json> {
    const kept = await this.#read();
    const value = Object.hasOwn(kept, key) ? kept[key] : undefined;
    return value === undefined ? {} : { value };
  }

  set({ key, value }: { readonly key: string; readonly value: Json }): Promise<void> {
    return this.#change((kept) => ({ ...kept, [key]: value }));
  }

  delete(key: string): Promise<void> {
    return this.#change(({ [key]: _gone, ...kept }) => kept);
  }

  async keys(): Promise<readonly string[]> {
    return Object.keys(await this.#read());
  }

  /** Forgets all of it. */
  clear(): Promise<void> {
    return this.#change(() => ({}));
  }

  #change(edit: (kept: Kept) => Kept): Promise<void> {
    const changed = this.#last.then(() => this.#write(edit));
    this.#last = changed.catch(() => undefined);
    return changed;
  }

  async #write(edit: (kept: Kept) => Kept): Promise<void> {
    const next = edit(await this.#read());
    const characters = JSON.stringify(next).length;
    const keys = Object.keys(next).length;
    if (characters > CHARACTERS_MAX || keys > KEYS_MAX)
      throw new AppError(
        "too_large",
        `wanted at most ${KEYS_MAX} keys and ${CHARACTERS_MAX} characters of storage, got ${keys} and ${characters}`,
      );
    await this.#store.setSetting(this.#setting, next);
  }

  async #read(): Promise<Kept> {
    return ((await this.#store.getSetting(this.#setting)) ?? {}) as Kept;
  }
}
