import type { Event, EventDraft } from "@tutti/core";
import type { TestApp } from "../testing.ts";

/** A client of the gateway with a key of its own. */
export interface GatewayClient {
  readonly keyId: string;
  readonly secret: string;
  ask(path: string, body?: unknown, init?: RequestInit): Promise<Response>;
}

/** Makes a key with these settings, and a client that uses it. */
export async function makeClient(app: TestApp, settings: object = {}): Promise<GatewayClient> {
  const made = await app.fetch("/v1/keys", { name: "a test's", ...settings });
  const { key, secret } = (await made.json()) as { readonly key: { readonly id: string }; readonly secret: string };
  return {
    keyId: key.id,
    secret,
    ask: (path, body, init = {}) =>
      fetch(new URL(path, app.url), {
        ...init,
        headers: { authorization: `Bearer ${secret}`, ...(body !== undefined && { "content-type": "application/json" }) },
        ...(body !== undefined && { method: "POST", body: JSON.stringify(body) }),
      }),
  };
}

/** What the gateway's log says of a call. */
export type RecordedCall = Extract<Event, { readonly type: "run.recorded" }>;

/** What a call used, as its event says. */
export interface SpendSaid {
  readonly usage: { readonly inputTokens: number; readonly outputTokens: number };
  readonly isEstimated?: boolean;
}

/** The calls that end from now on, in the order in which they do. */
export function callsOf({ app }: TestApp): { next(): Promise<RecordedCall> } & Disposable {
  const ended: RecordedCall[] = [];
  const waiting: ((call: RecordedCall) => void)[] = [];
  const subscription = app.engine.subscribe((event: EventDraft) => {
    if (event.type !== "run.recorded" || event.kind !== "model") return;
    const waiter = waiting.shift();
    if (waiter === undefined) ended.push(event as RecordedCall);
    else waiter(event as RecordedCall);
  });
  return {
    next: async () => ended.shift() ?? new Promise((resolve) => waiting.push(resolve)),
    [Symbol.dispose]: () => subscription[Symbol.dispose](),
  };
}

/** What a call spent, also one that failed. */
export function spendOf({ outcome }: RecordedCall): SpendSaid | undefined {
  const output = outcome.output as { readonly spend?: SpendSaid } | undefined;
  return output?.spend;
}

/** A route's settings that are not of interest to a test. */
export const PLAIN_ROUTE = {
  strategy: "order",
  aboveTiers: "summary",
  retries: { budgetRatio: 0.2 },
  afterFirstByte: "never",
  rules: [],
  rulesConfidenceMin: 0.5,
  rulesGapMin: 0,
} as const;

/** A target of a route. */
export function targetOf(model: string): { readonly model: string; readonly weight: number; readonly tags: readonly string[] } {
  return { model, weight: 1, tags: [] };
}
