import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { AppError, type Json, type Principal, type Store } from "@tutti/core";
import { fitsPatterns } from "./model-patterns.ts";
import {
  hasSecret,
  keyIdIn,
  keyIdOf,
  knownKey,
  newKeyId,
  newSecret,
  statusOf,
  storedSecret,
  type KeyPayer,
  type KeySettings,
  type KnownKey,
  type StoredKey,
  type VirtualKey,
} from "./virtual-key.ts";

const INDEX_SETTING = "keys.index";
/** All keys are in memory. */
const KEYS_MAX = 10_000;
/** The newest secret of a key and the ones before it that may still be good. */
const SECRETS_MAX = 4;
const LOADS_AT_ONCE = 50;
/** How often a node looks for what others changed: a key revoked elsewhere is refused here after so long at the latest. */
const LOOK_MS = 1_000;

/** What keys are made of. */
interface KeysOptions {
  readonly store: Pick<Store, "getSetting" | "setSetting">;
  readonly nowMs?: () => number;
  /** Told when the store cannot be read; it is tried again. */
  readonly onError?: (error: AppError) => void;
}

/** A key and its secret, which nobody can be told again. */
export interface NewKey {
  readonly key: VirtualKey;
  readonly secret: string;
}

/** Which key has which version. */
type Index = Readonly<Record<string, string>>;

/** The keys to the gateway. They are kept in the store, one setting a key, and all in memory: a request waits for no store. */
export class Keys {
  readonly #options: Required<KeysOptions>;
  readonly #keys = new Map<string, KnownKey>();
  readonly #stop = new AbortController();
  #changing: Promise<unknown> = Promise.resolve();
  #looking: Promise<void> | undefined;

  private constructor({ store, nowMs = Date.now, onError = () => undefined }: KeysOptions) {
    this.#options = { store, nowMs, onError };
  }

  /** Reads all keys, and from then on what other nodes change. */
  static async open(options: KeysOptions): Promise<Keys> {
    const keys = new Keys(options);
    await keys.#inTurn(() => keys.#look());
    keys.#looking = keys.#keepLooking();
    return keys;
  }

  /** Whose key a secret is; `undefined` when it has not the shape of one. Throws `unauthorized` for one that is not good. */
  principalOf(secret: string): Principal | undefined {
    const id = keyIdIn(secret);
    if (id === undefined) return undefined;
    const known = this.#keys.get(id);
    const nowMs = this.#options.nowMs();
    if (known === undefined || !hasSecret(known, secret, nowMs))
      throw new AppError("unauthorized", "wanted a valid key, got one that is not; ask the owner for a new one");
    const status = statusOf(known.key, nowMs);
    if (status === "active") return known.principal;
    const when = status === "revoked" ? known.key.revokedAt : known.key.expiresAt;
    throw new AppError(
      "unauthorized",
      `wanted a valid key, got "${known.key.name}", which ${status === "revoked" ? "was revoked" : "expired"} at ${when}`,
    );
  }

  /** The key that a principal is, if it is one. */
  keyOf(principal: Principal): VirtualKey | undefined {
    const id = keyIdOf(principal);
    return id === undefined ? undefined : this.#keys.get(id)?.key;
  }

  /** Who pays for what a principal asks; nobody's limits apply to those that are no keys. */
  payerOf(principal: Principal): KeyPayer | undefined {
    const id = keyIdOf(principal);
    return id === undefined ? undefined : this.#keys.get(id)?.payer;
  }

  /** Whether a principal may use a model, as far as its key says. Others than keys may. */
  allowsModel(principal: Principal, model: string): boolean {
    const models = this.keyOf(principal)?.models;
    return models === undefined || fitsPatterns(model, models);
  }

  /** Newest first. */
  list(): readonly VirtualKey[] {
    return [...this.#keys.values()]
      .map(({ key }) => key)
      .toSorted((a, b) => b.createdAt.localeCompare(a.createdAt) || b.id.localeCompare(a.id));
  }

  show(id: string): VirtualKey {
    return this.#find(id).key;
  }

  statusOf(key: VirtualKey): "active" | "revoked" | "expired" {
    return statusOf(key, this.#options.nowMs());
  }

  /** Makes a key. It is good on this node at once, on others when they have looked. */
  create(settings: KeySettings, tenant?: string): Promise<NewKey> {
    return this.#inTurn(async () => {
      if (settings.expiresAt !== undefined && Date.parse(settings.expiresAt) <= this.#options.nowMs())
        throw new AppError("invalid_input", `wanted a key that ends in the future, got expiresAt ${settings.expiresAt}, which is past`);
      if (this.#keys.size >= KEYS_MAX)
        throw new AppError(
          "overloaded",
          `wanted at most ${KEYS_MAX} keys, got one more; use one key for each program, not for each request`,
        );
      const id = newKeyId();
      const secret = newSecret(id);
      const key: VirtualKey = { ...settings, id, tenant: tenant ?? ownTenant(settings, id), createdAt: this.#now() };
      await this.#write({ key, secrets: [storedSecret(secret)] });
      return { key, secret };
    });
  }

  /** Replaces what the owner says of a key; what is left out stays, and what is `null` is taken away. */
  update(id: string, changes: KeyChanges): Promise<VirtualKey> {
    return this.#inTurn(async () => {
      const stored = await this.#fresh(id);
      const merged = Object.entries({ ...stored.key, ...changes }).filter(([, value]) => value !== null && value !== undefined);
      const key = Object.fromEntries(merged) as unknown as VirtualKey;
      await this.#write({ ...stored, key });
      return key;
    });
  }

  /** Gives a key another secret. The old one stays good for `graceMs`. */
  rotate(id: string, graceMs: number): Promise<NewKey> {
    return this.#inTurn(async () => {
      const stored = await this.#fresh(id);
      if (stored.key.revokedAt !== undefined)
        throw new AppError("conflict", `wanted a key that is in use, got "${stored.key.name}", which was revoked; create a new one`);
      const nowMs = this.#options.nowMs();
      const until = new Date(nowMs + graceMs).toISOString();
      const older = stored.secrets
        .map((old) => (old.until === undefined || old.until > until ? { ...old, until } : old))
        .filter((old) => Date.parse(old.until ?? until) > nowMs);
      const secret = newSecret(id);
      const key = { ...stored.key, rotatedAt: this.#now() };
      await this.#write({ key, secrets: [storedSecret(secret), ...older].slice(0, SECRETS_MAX) });
      return { key, secret };
    });
  }

  /** Ends a key for good: on this node at once, on others when they have looked. */
  revoke(id: string): Promise<VirtualKey> {
    return this.#inTurn(async () => {
      const stored = await this.#fresh(id);
      if (stored.key.revokedAt !== undefined) return stored.key;
      const revokedAt = this.#now();
      // Apart from the key, so that another node that changes the key at this moment does not undo it.
      await this.#options.store.setSetting(revokedSetting(id), revokedAt);
      const key = { ...stored.key, revokedAt };
      await this.#write({ key, secrets: [] });
      return key;
    });
  }

  /** Looks for what other nodes changed, now. */
  look(): Promise<void> {
    return this.#inTurn(() => this.#look());
  }

  async close(): Promise<void> {
    this.#stop.abort();
    await this.#looking;
    await this.#changing;
  }

  #find(id: string): KnownKey {
    const known = this.#keys.get(id);
    if (known === undefined) throw new AppError("not_found", `wanted a key, got "${id}", which is none; \`tutti keys\` lists them`);
    return known;
  }

  async #fresh(id: string): Promise<StoredKey> {
    this.#find(id);
    return (await this.#read(id)) ?? this.#find(id);
  }

  async #read(id: string): Promise<StoredKey | undefined> {
    const { store } = this.#options;
    const [stored, revokedAt] = await Promise.all([store.getSetting(keySetting(id)), store.getSetting(revokedSetting(id))]);
    if (stored === undefined) return undefined;
    const found = stored as unknown as StoredKey;
    return typeof revokedAt === "string" ? { ...found, key: { ...found.key, revokedAt } } : found;
  }

  async #write({ key, secrets }: Omit<StoredKey, "tag">): Promise<void> {
    const stored: StoredKey = { key, secrets, tag: randomBytes(6).toString("hex") };
    await this.#options.store.setSetting(keySetting(key.id), stored as unknown as Json);
    // Read again, because another node may have revoked it since it was read.
    this.#keys.set(key.id, knownKey((await this.#read(key.id)) ?? stored));
    await this.#writeIndex(await this.#readIndex());
  }

  async #readIndex(): Promise<Index> {
    return ((await this.#options.store.getSetting(INDEX_SETTING)) ?? {}) as Index;
  }

  async #writeIndex(found: Index): Promise<void> {
    const own = Object.fromEntries([...this.#keys].map(([id, { tag }]) => [id, tag]));
    await this.#options.store.setSetting(INDEX_SETTING, { ...found, ...own });
  }

  /** Reads what has another version than here. Two nodes that wrote the index at once lose nothing: each adds again what it knows. */
  async #look(): Promise<void> {
    const index = await this.#readIndex();
    const changed = Object.keys(index).filter((id) => this.#keys.get(id)?.tag !== index[id]);
    for (let at = 0; at < changed.length; at += LOADS_AT_ONCE)
      await Promise.all(
        changed.slice(at, at + LOADS_AT_ONCE).map(async (id) => {
          const stored = await this.#read(id);
          if (stored !== undefined) this.#keys.set(id, knownKey(stored));
        }),
      );
    const isAmiss = [...this.#keys].some(([id, { tag }]) => index[id] !== tag);
    if (isAmiss) await this.#writeIndex(index);
  }

  async #keepLooking(): Promise<void> {
    const { signal } = this.#stop;
    while (!signal.aborted) {
      await sleep(LOOK_MS, undefined, { signal, ref: false }).catch(() => undefined);
      if (signal.aborted) return;
      // The store says so itself in health; the next look tries again.
      await this.look().catch((thrown: unknown) => this.#options.onError(AppError.from(thrown)));
    }
  }

  /** One change at a time, in the order in which they come. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#changing.then(work, work);
    this.#changing = turn.catch(() => undefined);
    return turn;
  }

  #now(): string {
    return new Date(this.#options.nowMs()).toISOString();
  }
}

/** What can be changed of a key; `null` takes it away. */
type KeyChanges = { readonly [K in keyof KeySettings]?: KeySettings[K] | null | undefined };

function keySetting(id: string): string {
  return `key.${id}`;
}

function revokedSetting(id: string): string {
  return `key.${id}.revoked`;
}

/** What a key makes (files, batches, kept responses) is seen by its tenant: by its team, else by itself alone. */
function ownTenant({ team }: KeySettings, id: string): string {
  return team === undefined ? `key-${id}` : `team-${team}`;
}
