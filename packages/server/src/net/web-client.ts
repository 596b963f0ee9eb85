import type { Readable, Transform } from "node:stream";
import { pipeline } from "node:stream/promises";
import { createBrotliDecompress, createGunzip, createInflate, createZstdDecompress } from "node:zlib";
import { AppError } from "@tutti/core";
import { Agent, request } from "undici";
import { guardedLookup, requirePublicHost, type AddressRule, type Resolve } from "./address.ts";

const CONNECT_TIMEOUT_MS = 10_000;
const CONNECTIONS_PER_ORIGIN_MAX = 8;
const REDIRECTS = new Set([301, 302, 303, 307, 308]);
const DECODERS: Readonly<Record<string, () => Transform>> = {
  gzip: createGunzip,
  "x-gzip": createGunzip,
  deflate: createInflate,
  br: createBrotliDecompress,
  zstd: createZstdDecompress,
};

/** One request to a place that somebody else chose. */
export interface WebRequest {
  readonly url: URL;
  readonly method: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Headers that no other origin gets to see, whatever redirects say. */
  readonly credentials?: Readonly<Record<string, string>>;
  readonly body?: string | undefined;
  /** Of the body, unpacked: more is `too_large`, and not read. */
  readonly bytesMax: number;
  /** Of the whole, redirects and body included. */
  readonly timeoutMs: number;
  /** Followed for GET and HEAD only; with 0, and for other methods, a redirect is an answer like any other. */
  readonly redirectsMax: number;
  /** Asked before each URL is requested, redirects included; throws to refuse it. */
  readonly admit?: (url: URL, signal: AbortSignal) => Promise<void> | void;
}

/** What came back. Header names are in lower case; of several with one name, the values are joined with commas. */
export interface WebResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer;
  /** Where it came from after all redirects. */
  readonly url: URL;
  readonly redirects: number;
}

/** Requests to the web that cannot be turned against the network Tutti stands in. Owns its connections. */
export class WebClient implements AsyncDisposable {
  readonly #rule: AddressRule;
  readonly #agent: Agent;

  constructor(rule: AddressRule, resolve?: Resolve) {
    this.#rule = rule;
    this.#agent = new Agent({
      connections: CONNECTIONS_PER_ORIGIN_MAX,
      connect: { timeout: CONNECT_TIMEOUT_MS, lookup: guardedLookup(rule, resolve) },
    });
  }

  /** Throws `denied`, `too_large`, `timeout`, `unsupported` or `upstream`; any status is an answer. */
  async send(asked: WebRequest, signal: AbortSignal): Promise<WebResponse> {
    const bounded = AbortSignal.any([signal, AbortSignal.timeout(asked.timeoutMs)]);
    let url = asked.url;
    try {
      for (let redirects = 0; ; redirects += 1) {
        await this.#admit(asked, url, bounded);
        const answer = await this.#once(asked, url, bounded);
        const next = nextUrl(asked, answer, url);
        if (next === undefined || asked.redirectsMax === 0) return { ...answer, url, redirects };
        if (redirects >= asked.redirectsMax)
          throw new AppError("upstream", `wanted at most ${asked.redirectsMax} redirects, got more from ${asked.url.host}`);
        url = next;
      }
    } catch (thrown) {
      signal.throwIfAborted();
      throw failureOf(thrown, url, asked.timeoutMs);
    }
  }

  async #admit({ admit }: WebRequest, url: URL, signal: AbortSignal): Promise<void> {
    if (url.protocol !== "https:" && url.protocol !== "http:")
      throw new AppError("denied", `wanted an http or https URL, got one that begins with ${url.protocol}`);
    requirePublicHost(url, this.#rule);
    await admit?.(url, signal);
  }

  async #once(asked: WebRequest, url: URL, signal: AbortSignal): Promise<Pick<WebResponse, "status" | "headers" | "body">> {
    const { method, headers, credentials, body, bytesMax } = asked;
    const response = await request(url, {
      method,
      headers: {
        "user-agent": "Tutti",
        "accept-encoding": "gzip, deflate, br, zstd",
        ...headers,
        ...(url.origin === asked.url.origin && credentials),
      },
      body: body ?? null,
      dispatcher: this.#agent,
      signal,
    });
    const given = flat(response.headers);
    return { status: response.statusCode, headers: given, body: await readBody(response.body, given["content-encoding"], bytesMax) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#agent.destroy();
  }
}

function nextUrl({ method }: WebRequest, { status, headers }: Pick<WebResponse, "status" | "headers">, from: URL): URL | undefined {
  const location = headers["location"];
  if (!REDIRECTS.has(status) || location === undefined || (method !== "GET" && method !== "HEAD")) return undefined;
  const url = URL.parse(location, from.href);
  if (url === null) throw new AppError("upstream", `wanted a redirect to a URL, got one from ${from.host} that is none`);
  return url;
}

/** Reads and unpacks at most so many bytes: a small body that unpacks to a large one is stopped on the way. */
async function readBody(body: Readable, encoding: string | undefined, bytesMax: number): Promise<Buffer> {
  const name = encoding?.trim().toLowerCase() ?? "identity";
  const decoder = DECODERS[name];
  if (decoder === undefined && name !== "identity" && name !== "") {
    // Leaving a body unread is told as an error, which nobody needs to hear.
    body.on("error", () => undefined).destroy();
    throw new AppError("unsupported", `wanted a body packed with one of ${Object.keys(DECODERS).join(", ")}, got ${name.slice(0, 60)}`);
  }
  const chunks: Buffer[] = [];
  let bytes = 0;
  const collect = async (source: AsyncIterable<Buffer>): Promise<void> => {
    for await (const chunk of source) {
      bytes += chunk.length;
      if (bytes > bytesMax) throw new AppError("too_large", `wanted an answer of at most ${bytesMax} bytes, got more`);
      chunks.push(chunk);
    }
  };
  await (decoder === undefined ? pipeline(body, collect) : pipeline(body, decoder(), collect));
  return Buffer.concat(chunks, bytes);
}

function flat(headers: Readonly<Record<string, string | string[] | undefined>>): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(headers).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, typeof value === "string" ? value : value.join(", ")]],
    ),
  );
}

function failureOf(thrown: unknown, url: URL, timeoutMs: number): AppError {
  const error = AppError.from(thrown);
  if (error.code === "timeout" || error.code === "cancelled")
    return new AppError("timeout", `${url.host} did not answer within ${timeoutMs} ms`, { cause: thrown });
  // Of the URL only the host is told: the rest may hold what is secret.
  return error.code === "internal" ? new AppError("upstream", `${url.host} cannot be reached: ${error.message}`, { cause: thrown }) : error;
}
