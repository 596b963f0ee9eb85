import { AppError } from "@tutti/core";
import { Pool, type Dispatcher } from "undici";
import { timeoutsOf, type Provider, type Timeouts } from "./provider.ts";

/** The most connections to one origin, and the most requests that wait for one of them. */
const CONNECTIONS_MAX = 256;
const WAITING_MAX = 1_024;

/** A call to a provider: where to, with what, and how long to wait. */
export interface UpstreamCall {
  readonly path: string;
  readonly method: string;
  readonly headers: readonly string[];
  readonly body: Buffer | string | null;
}

/** Where a provider's API is, and what every request carries, as names and values in turn. */
export interface Access {
  readonly baseUrl: string;
  readonly headers: readonly string[];
}

/** One provider's way out: its connections, and a bound on what is under way. */
export class Upstream {
  readonly provider: Provider;
  readonly timeouts: Timeouts;
  /** Sent with every request, as names and values in turn. */
  readonly ownHeaders: readonly string[];
  readonly #pool: Pool;
  readonly #path: string;
  readonly #query: string;
  #underWay = 0;

  constructor(provider: Provider, access: Access, pools: Pools) {
    const url = new URL(access.baseUrl);
    this.provider = provider;
    this.timeouts = timeoutsOf(provider);
    this.ownHeaders = [
      ...access.headers,
      ...Object.entries(provider.headers ?? {}).flatMap(([name, value]) => [name.toLowerCase(), value]),
    ];
    this.#pool = pools.get(url.origin, this.timeouts.connectMs);
    this.#path = url.pathname.replace(/\/+$/, "");
    // Azure keeps its API version in the query.
    this.#query = url.search;
  }

  /** Lets one call in, or throws; every call that is let in must leave once. */
  enter(): void {
    if (this.#underWay >= CONNECTIONS_MAX + WAITING_MAX) {
      throw new AppError(
        "overloaded",
        `wanted at most ${CONNECTIONS_MAX + WAITING_MAX} calls to the provider "${this.provider.name}" at once, got more; try again in a moment`,
      );
    }
    this.#underWay += 1;
  }

  leave(): void {
    this.#underWay -= 1;
  }

  dispatch(call: UpstreamCall, handler: Dispatcher.DispatchHandler): void {
    this.#pool.dispatch(this.#options(call), handler);
  }

  request(call: UpstreamCall, signal: AbortSignal): Promise<Dispatcher.ResponseData> {
    return this.#pool.request({ ...this.#options(call), signal });
  }

  #options(call: UpstreamCall): Dispatcher.DispatchOptions {
    return {
      path: `${this.#path}${call.path}${this.#query}`,
      method: call.method,
      headers: call.headers as string[],
      body: call.body,
      headersTimeout: this.timeouts.firstByteMs,
      bodyTimeout: this.timeouts.idleMs,
    };
  }
}

/** The connections of all providers: one pool per origin. */
export class Pools {
  readonly #pools = new Map<string, Pool>();

  get(origin: string, connectMs: number): Pool {
    const key = `${origin} ${connectMs}`;
    const known = this.#pools.get(key);
    if (known !== undefined) return known;
    // HTTP/2 would put every stream of an origin behind one connection's flow control: a slow client would stall the others.
    const pool = new Pool(origin, { connections: CONNECTIONS_MAX, pipelining: 1, allowH2: false, connect: { timeout: connectMs } });
    this.#pools.set(key, pool);
    return pool;
  }

  /** Ends every connection; what is under way fails. */
  async close(): Promise<void> {
    await Promise.all([...this.#pools.values()].map((pool) => pool.destroy()));
  }
}
