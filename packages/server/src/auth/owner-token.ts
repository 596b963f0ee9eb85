import { AppError, type Store } from "@tutti/core";
import { newToken, tokenHash } from "./token.ts";

const SETTING = "token.sha256";
/** How often a node looks for what another one changed. */
const LOOK_MS = 1_000;

/** What the owner's token is kept by. `configured` is the one that the configuration names. */
interface OwnerTokenOptions {
  readonly store: Pick<Store, "getSetting" | "setSetting">;
  readonly configured: string | undefined;
  /** Whether a first token is made when there is none: only by a process that tells people of it. */
  readonly isAnnounced: boolean;
}

/** The token that everything rests on. The store holds its SHA-256; whoever makes one is told it once. */
export class OwnerToken {
  readonly #store: OwnerTokenOptions["store"];
  readonly #isConfigured: boolean;
  readonly #timer: NodeJS.Timeout | undefined;
  #hash: string | undefined;
  #changing: Promise<unknown> = Promise.resolve();

  /** Reads it, or makes it at the first start. `created` is set then only. */
  static async open({
    store,
    configured,
    isAnnounced,
  }: OwnerTokenOptions): Promise<{ readonly ownerToken: OwnerToken; readonly created: string | undefined }> {
    const stored = await store.getSetting(SETTING);
    const created = configured === undefined && stored === undefined && isAnnounced ? newToken() : undefined;
    const token = configured ?? created;
    if (token !== undefined && tokenHash(token) !== stored) await store.setSetting(SETTING, tokenHash(token));
    const hash = token === undefined ? stored : tokenHash(token);
    const ownerToken = new OwnerToken(store, { isConfigured: configured !== undefined, hash: typeof hash === "string" ? hash : undefined });
    return { ownerToken, created };
  }

  private constructor(store: OwnerTokenOptions["store"], known: { readonly isConfigured: boolean; readonly hash: string | undefined }) {
    this.#store = store;
    this.#isConfigured = known.isConfigured;
    this.#hash = known.hash;
    // A token that the configuration names is not another node's to change.
    if (!known.isConfigured) this.#timer = setInterval(() => this.#look(), LOOK_MS).unref();
  }

  /** The SHA-256 of the token that is good now. */
  get hash(): string | undefined {
    return this.#hash;
  }

  /** A new token in the place of the old one, which is good for nothing any more: here at once, on other nodes a second later. */
  async rotate(): Promise<string> {
    if (this.#isConfigured)
      throw new AppError(
        "conflict",
        "wanted a token that Tutti made, got one that the configuration names; set another in TUTTI_TOKEN and start again",
      );
    const token = newToken();
    const turn = this.#changing.then(() => this.#store.setSetting(SETTING, tokenHash(token)));
    this.#changing = turn.catch(() => undefined);
    await turn;
    this.#hash = tokenHash(token);
    return token;
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.#changing;
  }

  #look(): void {
    // A store that cannot be read says so itself in health; the next look tries again.
    this.#changing = this.#changing
      .then(async () => {
        const stored = await this.#store.getSetting(SETTING);
        if (typeof stored === "string") this.#hash = stored;
      })
      .catch(() => undefined);
  }
}
