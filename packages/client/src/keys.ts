import type { Transport } from "./transport.ts";

/** How much somebody may use; what is left out is not limited. Budgets are for windows of the UTC calendar. */
export interface Limits {
  readonly requestsPerMinute?: number;
  readonly tokensPerMinute?: number;
  readonly budgets?: readonly {
    readonly amountUsd?: number;
    readonly tokens?: number;
    readonly per: "day" | "week" | "month" | "total";
  }[];
  readonly parallel?: number;
}

/** A key as it is asked for. `models` are patterns such as "gpt-*"; left out, all. */
export interface KeyRequest {
  readonly name: string;
  readonly tenant?: string;
  readonly user?: string;
  readonly team?: string;
  readonly models?: readonly string[];
  readonly limits?: Limits;
  readonly tags?: readonly string[];
  readonly expiresAt?: string;
}

/** What is changed of a key: what is left out stays, `null` takes it away. */
export type KeyChanges = { readonly [K in Exclude<keyof KeyRequest, "tenant">]?: KeyRequest[K] | null };

/** A key to the gateway, without its secret. */
export interface KeyEntry extends KeyRequest {
  readonly id: string;
  readonly tenant: string;
  readonly limits: Limits;
  readonly status: "active" | "revoked" | "expired";
  readonly createdAt: string;
  readonly rotatedAt?: string;
  readonly revokedAt?: string;
  /** Told of one key, not of all in a list. */
  readonly budgets?: readonly BudgetLeft[];
}

/** What a budget of a key, its user or its team has left. Without `endsAt` it is for ever. */
export interface BudgetLeft {
  readonly of: string;
  readonly per: "day" | "week" | "month" | "total";
  readonly usd?: { readonly limit: number; readonly spent: number };
  readonly tokens?: { readonly limit: number; readonly spent: number };
  readonly endsAt?: string;
}

/** A key and its secret, which is told this once. */
export interface CreatedKey {
  readonly key: KeyEntry;
  readonly secret: string;
}

/** What the ledger can be looked at by. */
export type SpendDimension = "key" | "user" | "team" | "model" | "provider" | "workflow" | "day";

/** A row of the ledger. `estimated` counts requests whose provider did not tell the usage, `unpriced` those without a known price. */
export type SpendRow = Readonly<Partial<Record<SpendDimension, string>>> & {
  readonly requests: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly cacheReadTokens: number;
  readonly cacheWriteTokens: number;
  readonly reasoningTokens: number;
  readonly costUsd: number;
  readonly estimated: number;
  readonly unpriced: number;
};

/** A question to the ledger. Days are UTC, as in "2026-11-21", both included; left out, the last 30. */
export interface SpendQuery {
  readonly by?: readonly SpendDimension[];
  readonly from?: string;
  readonly to?: string;
}

/** The ledger's answer. */
export interface SpendReport {
  readonly by: readonly SpendDimension[];
  readonly from: string;
  readonly to: string;
  readonly rows: readonly SpendRow[];
}

/** The calls about keys to the gateway, and what they spent. */
export interface KeyCalls {
  keys(signal?: AbortSignal): Promise<readonly KeyEntry[]>;
  key(id: string, signal?: AbortSignal): Promise<KeyEntry>;
  createKey(request: KeyRequest, signal?: AbortSignal): Promise<CreatedKey>;
  updateKey(id: string, changes: KeyChanges, signal?: AbortSignal): Promise<KeyEntry>;
  /** Another secret; the old one stays good for `graceMs`. */
  rotateKey(id: string, graceMs: number, signal?: AbortSignal): Promise<CreatedKey>;
  revokeKey(id: string, signal?: AbortSignal): Promise<KeyEntry>;
  spend(query?: SpendQuery, signal?: AbortSignal): Promise<SpendReport>;
  /** The same rows as CSV. */
  spendCsv(query?: SpendQuery, signal?: AbortSignal): Promise<string>;
}

/** The calls over a transport. */
export function keyCalls(transport: Transport): KeyCalls {
  const path = (id: string, rest = ""): string => `/v1/keys/${encodeURIComponent(id)}${rest}`;
  const one = async (request: Parameters<Transport["json"]>[0], signal?: AbortSignal): Promise<KeyEntry> =>
    (await transport.json<{ readonly key: KeyEntry }>(request, signal)).key;
  return {
    keys: async (signal) => (await transport.json<{ readonly keys: readonly KeyEntry[] }>({ path: "/v1/keys" }, signal)).keys,
    key: (id, signal) => one({ path: path(id) }, signal),
    createKey: (request, signal) => transport.json({ method: "POST", path: "/v1/keys", body: request }, signal),
    updateKey: (id, changes, signal) => one({ method: "POST", path: path(id), body: changes }, signal),
    rotateKey: (id, graceMs, signal) => transport.json({ method: "POST", path: path(id, "/rotate"), body: { graceMs } }, signal),
    revokeKey: (id, signal) => one({ method: "POST", path: path(id, "/revoke"), body: {} }, signal),
    spend: (query, signal) => transport.json({ path: "/v1/spend", query: queryOf(query) }, signal),
    spendCsv: async (query, signal = NEVER) =>
      new Response(await transport.stream({ path: "/v1/spend", query: { ...queryOf(query), format: "csv" } }, signal)).text(),
  };
}

const NEVER = new AbortController().signal;

function queryOf({ by, from, to }: SpendQuery = {}): Readonly<Record<string, string | undefined>> {
  return { by: by?.join(","), from, to };
}
