import { KnownFacts } from "./facts-known.ts";
import type { ModelFacts, OpenProvider } from "./provider-kind.ts";
import type { Provider } from "./provider.ts";
import { transportError } from "./upstream-error.ts";
import type { Upstream } from "./upstream.ts";

/** A provider with the way to it; models in this process have no upstream. */
export interface Server {
  readonly provider: Provider;
  readonly open: OpenProvider;
  readonly upstream: Upstream | undefined;
}

/** How long a list is good for, and how long a provider may take to give it. */
const TTL_MS = 60_000;
const DISCOVERY_MS = 5_000;
/** The first to ask waits this long for the first discovery; nobody waits later. */
const FIRST_WAIT_MS = 1_000;
/** Models that no provider listed whose facts are remembered; beyond it they are put together again. */
const REMEMBERED_MAX = 2_000;

/** What the catalog is made of. `baseUrlOf`: where a provider's API is, as its kind has it. */
interface CatalogOptions {
  readonly log: (message: string) => void;
  readonly baseUrlOf?: (provider: Provider) => string | undefined;
}

/**
 * Knows which models the providers say they serve, and what can be said of them. It asks in the background and keeps what it knew when one
 * does not answer.
 */
export class Catalog {
  readonly #servers: readonly Server[];
  readonly #options: CatalogOptions;
  readonly #closing = new AbortController();
  readonly #found = new Map<Provider, ReadonlyMap<string, ModelFacts>>();
  readonly #complaints = new Map<Provider, string>();
  readonly #known = new KnownFacts();
  readonly #unlisted = new Map<string, ModelFacts>();
  #askedAtMs = -Infinity;
  #refreshing: Promise<void> = Promise.resolve();
  #isKnown = false;

  constructor(servers: readonly Server[], options: CatalogOptions | CatalogOptions["log"]) {
    this.#servers = servers;
    this.#options = typeof options === "function" ? { log: options } : options;
    this.#refreshIfStale();
  }

  /** What one provider said it serves, as far as is known now. */
  discovered({ provider }: Pick<Server, "provider">): ReadonlyMap<string, ModelFacts> {
    this.#refreshIfStale();
    return this.#found.get(provider) ?? NOTHING;
  }

  /** What is known of a model, listed by its provider or not. */
  facts({ provider, name }: { readonly provider: Provider; readonly name: string }): ModelFacts {
    const listed = this.discovered({ provider }).get(name);
    if (listed !== undefined) return listed;
    const key = `${provider.name}/${name}`;
    const known = this.#unlisted.get(key);
    if (known !== undefined) return known;
    const facts = this.#complete({ name }, provider);
    if (this.#known.isLoaded && this.#unlisted.size < REMEMBERED_MAX) this.#unlisted.set(key, facts);
    return facts;
  }

  /** Why a provider's list is not known or not new; `undefined` when it is. */
  complaint(provider: Provider): string | undefined {
    return this.#complaints.get(provider);
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

  /** Asks one provider now, because something was done there. */
  async refresh(provider: Provider): Promise<void> {
    const server = this.#servers.find((item) => item.provider.name === provider.name);
    if (server !== undefined && !this.#closing.signal.aborted) await this.#refresh(server);
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#refreshing;
  }

  #refreshIfStale(): void {
    if (this.#closing.signal.aborted || performance.now() - this.#askedAtMs < TTL_MS) return;
    this.#askedAtMs = performance.now();
    // Owned by `close`, which waits for it; it cannot reject.
    this.#refreshing = Promise.all(this.#servers.map((server) => this.#refresh(server))).then(() => {
      this.#isKnown = true;
    });
  }

  async #refresh({ provider, open, upstream }: Server): Promise<void> {
    const signal = AbortSignal.any([this.#closing.signal, AbortSignal.timeout(DISCOVERY_MS)]);
    try {
      const [facts = []] = await Promise.all([open.discover?.(signal), upstream === undefined ? undefined : this.#known.load()]);
      this.#found.set(provider, new Map(facts.map((item) => [item.name, this.#complete(item, provider)])));
      this.#complaints.delete(provider);
    } catch (thrown) {
      const { message } = transportError(thrown, provider.name, signal);
      if (this.#closing.signal.aborted || this.#complaints.get(provider) === message) return;
      this.#complaints.set(provider, message);
      this.#options.log(`the models of the provider "${provider.name}" could not be listed: ${message}`);
    }
  }

  #complete(facts: ModelFacts, provider: Provider): ModelFacts {
    return this.#known.complete(facts, this.#options.baseUrlOf?.(provider) ?? provider.baseUrl);
  }
}

const NOTHING: ReadonlyMap<string, ModelFacts> = new Map();
