import type { Transport } from "./transport.ts";

/** What the cache of models' answers holds, and how often it helped since the server started. */
export interface CacheReport {
  /** Whether anything is kept: `cache` stands in tutti.yaml. */
  readonly isOn: boolean;
  readonly entries: number;
  readonly bytes: number;
  readonly bytesMax: number;
  readonly hitsExact: number;
  readonly hitsSemantic: number;
  readonly misses: number;
  readonly kept: number;
  readonly evicted: number;
  readonly embedFailures: number;
  readonly tenants: readonly { readonly tenant: string; readonly entries: number; readonly bytes: number }[];
}

/** The calls about the cache. */
export interface CacheCalls {
  cache(signal?: AbortSignal): Promise<CacheReport>;
  /** Throws a tenant's answers away, or everyone's; returns how many there were. */
  clearCache(tenant?: string, signal?: AbortSignal): Promise<number>;
}

/** The calls over a transport. */
export function cacheCalls(transport: Transport): CacheCalls {
  return {
    cache: (signal) => transport.json({ path: "/v1/cache" }, signal),
    clearCache: async (tenant, signal) =>
      (
        await transport.json<{ readonly cleared: number }>(
          { method: "POST", path: "/v1/cache/clear", body: tenant === undefined ? {} : { tenant } },
          signal,
        )
      ).cleared,
  };
}
