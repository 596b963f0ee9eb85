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

/** Knows which models the providers say they serve. It asks in the background and keeps what it knew when one does not answer. */
export class Catalog {
  readonly #servers: readonly Server[];
  readonly #log: (message: string) => void;
  readonly #closing = new AbortController();
  readonly #found = new Map<Server, ReadonlyMap<string, ModelFacts>>();
  readonly #complaints = new Map<Server, string>();
  #askedAtMs = -Infinity;
  #refreshing: Promise<void> = Promise.resolve();
  #isKnown = false;

  constructor(servers: readonly Server[], log: (message: string) => void) {
    this.#servers = servers;
    this.#log = log;
    this.#refreshIfStale();
  }

  /** What one provider said it serves, as far as is known now. */
  discovered(server: Server): ReadonlyMap<string, ModelFacts> {
    this.#refreshIfStale();
    return this.#found.get(server) ?? NOTHING;
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
    this.#refreshing = Promise.all(this.#servers.map((server) => this.#refresh(server))).then(() => {
      this.#isKnown = true;
    });
  }

  async #refresh(server: Server): Promise<void> {
    const { name } = server.provider;
    const signal = AbortSignal.any([this.#closing.signal, AbortSignal.timeout(DISCOVERY_MS)]);
    try {
      const facts = (await server.open.discover?.(signal)) ?? [];
      this.#found.set(server, new Map(facts.map((item) => [item.name, item])));
      this.#complaints.delete(server);
    } catch (thrown) {
      const { message } = transportError(thrown, name, signal);
      if (this.#closing.signal.aborted || this.#complaints.get(server) === message) return;
      this.#complaints.set(server, message);
      this.#log(`the models of the provider "${name}" could not be listed: ${message}`);
    }
  }
}

const NOTHING: ReadonlyMap<string, ModelFacts> = new Map();
