import { AppError } from "@tutti/core";
import { Agent, request } from "undici";
import { guardedLookup, requirePublicHost, type AddressRule } from "../../../net/index.ts";

/** Receivers that take longer have not taken it (Standard Webhooks advises 15 to 30 s). */
const TIMEOUT_MS = 20_000;
const CONNECT_TIMEOUT_MS = 10_000;
/** Connections to one receiver at once. */
const CONNECTIONS_MAX = 16;
/** Of an answer's body, for people who look why a delivery failed. */
const EXCERPT_BYTES_MAX = 512;
const RETRY_AFTER_MAX_MS = 24 * 3_600_000;

/** Receivers on this machine or network must be named by whoever configures it. */
export const receiverRule: AddressRule = { isPrivateAllowed: () => false, advice: "name it in `webhooks` with privateAllow: true" };

/** One POST. `privateAllow`: whether the receiver may have a private address. */
export interface Sending {
  readonly url: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
  readonly privateAllow: boolean;
}

/** What came of it. */
export type SendOutcome =
  | { readonly type: "answered"; readonly status: number; readonly excerpt: string; readonly retryAfterMs: number | null }
  | { readonly type: "unreachable"; readonly code: string; readonly message: string };

/** Sends webhooks; owns its connections. */
export class WebhookSender implements AsyncDisposable {
  readonly #guarded = new Agent({
    connections: CONNECTIONS_MAX,
    connect: { timeout: CONNECT_TIMEOUT_MS, lookup: guardedLookup(receiverRule) },
  });
  readonly #open = new Agent({ connections: CONNECTIONS_MAX, connect: { timeout: CONNECT_TIMEOUT_MS } });

  /** Follows no redirects: a receiver could point them anywhere. Rejects only when `signal` aborts. */
  async send({ url, headers, body, privateAllow }: Sending, signal: AbortSignal): Promise<SendOutcome> {
    try {
      const target = new URL(url);
      if (!privateAllow) requirePublicHost(target, receiverRule);
      const response = await request(target, {
        method: "POST",
        headers: { "user-agent": "Tutti", ...headers },
        body,
        dispatcher: privateAllow ? this.#open : this.#guarded,
        signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
      });
      const excerpt = await excerptOf(response.body);
      return { type: "answered", status: response.statusCode, excerpt, retryAfterMs: retryAfterMs(response.headers["retry-after"]) };
    } catch (thrown) {
      signal.throwIfAborted();
      return { type: "unreachable", ...reasonOf(thrown) };
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([this.#guarded.destroy(), this.#open.destroy()]);
  }
}

async function excerptOf(body: AsyncIterable<Buffer>): Promise<string> {
  let bytes = Buffer.alloc(0);
  for await (const chunk of body) {
    bytes = Buffer.concat([bytes, chunk.subarray(0, EXCERPT_BYTES_MAX - bytes.length)]);
    // Leaving the loop destroys the rest unread.
    if (bytes.length >= EXCERPT_BYTES_MAX) break;
  }
  return bytes.toString("utf8");
}

/** RFC 9110 §10.2.3: seconds, or a date; at most a day. */
function retryAfterMs(value: string | readonly string[] | undefined): number | null {
  if (typeof value !== "string") return null;
  const ms = /^\d{1,9}$/.test(value) ? Number(value) * 1000 : Date.parse(value) - Date.now();
  return Number.isNaN(ms) ? null : Math.min(Math.max(0, ms), RETRY_AFTER_MAX_MS);
}

function reasonOf(thrown: unknown): { readonly code: string; readonly message: string } {
  const error = AppError.from(thrown);
  if (error.code !== "internal") return { code: error.code, message: error.message };
  const code = thrown instanceof Error && "code" in thrown && typeof thrown.code === "string" ? thrown.code : "upstream";
  return { code, message: error.message };
}
