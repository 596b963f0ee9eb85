import { AppError, type Json, type Tool } from "@tutti/core";
import { z } from "zod";
import type { WebClient, WebRequest } from "../../net/index.ts";
import { defineTool, type ToolCall } from "../define-tool.ts";
import { scrubbed, scrubbedError, signedWith, type Credential, type SecretSource } from "../secrets.ts";
import { isJsonType, isTextType, mediaTypeOf, textOf } from "./answer.ts";

/** A host that requests may go to, with which methods, below which paths, and as whom. */
export interface HttpHost {
  /** "api.example.com", with a port where it is not the usual one, or "*.example.com" for every name below. */
  readonly host: string;
  readonly methods: readonly string[];
  readonly paths: readonly string[];
  readonly auth?: Credential | undefined;
  readonly isPrivate: boolean;
  readonly isHttpAllowed: boolean;
}

const METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"] as const;
const BYTES_MAX = 1_048_576;
const BODY_CHARACTERS_MAX = 1_048_576;
const TIMEOUT_MS = 30_000;
const REDIRECTS_MAX = 3;
const HEADERS_MAX = 50;
/** Headers that say how the connection is used, or who asks: the first are ours to write, the second come from the configuration. */
const RESERVED = new Set(
  "host connection content-length transfer-encoding te trailer upgrade keep-alive expect proxy-authorization proxy-connection authorization cookie idempotency-key accept-encoding".split(
    " ",
  ),
);
/** Headers of an answer that a caller may need; others are noise, or hold sessions. */
const SHOWN = ["content-type", "etag", "last-modified", "link", "location", "retry-after", "x-request-id"];

const headers = z
  .record(
    z.string().regex(/^[\w-]{1,64}$/, "wanted a header's name"),
    z
      .string()
      .max(4_096)
      .regex(/^[\t\x20-\x7e]*$/, "wanted one line of ASCII"),
  )
  .refine((all) => Object.keys(all).length <= HEADERS_MAX, `wanted at most ${HEADERS_MAX} headers`)
  .default({});
const query = z.record(z.string(), z.union([z.string(), z.number(), z.boolean()])).default({});
const url = z.url({ protocol: /^https?$/ }).max(4_096);

const output = z.strictObject({
  status: z.int(),
  url: z.string().describe("Where the answer came from, after redirects."),
  headers: z.record(z.string(), z.string()),
  body: z.json().describe("JSON where the answer is JSON, else text; base64 where it is neither."),
  encoding: z.enum(["json", "text", "base64"]),
});

/** `http_get`, which reads, and `http_request`, which may change things; both only where the configuration lets them. */
export function httpTools(client: WebClient, hosts: readonly HttpHost[], secrets: SecretSource): readonly Tool[] {
  const send = sender(client, hosts, secrets);
  const get = defineTool({
    name: "http_get",
    description: `Sends a GET request to an allowed host and gives the answer, whatever its status. ${listed(hosts)}`,
    effect: "read",
    isUntrusted: true,
    input: z.strictObject({ url, query, headers }),
    output,
    run: (asked, call) => send({ ...asked, method: "GET" }, call),
  });
  const request = defineTool({
    name: "http_request",
    description: `Sends an HTTP request to an allowed host and gives the answer, whatever its status. ${listed(hosts)}`,
    effect: "write",
    isUntrusted: true,
    // Servers that know the header Idempotency-Key make it so; nobody can tell which do.
    isIdempotent: false,
    input: z.strictObject({
      method: z.enum(METHODS),
      url,
      query,
      headers,
      body: z.json().exactOptional().describe("Text is sent as it is, anything else as JSON."),
    }),
    output,
    run: ({ body, ...asked }, call) => send({ ...asked, ...(body !== undefined && { body }) }, call),
  });
  return [get, request] as unknown as readonly Tool[];
}

function listed(hosts: readonly HttpHost[]): string {
  return hosts.length === 0
    ? "No host is allowed yet."
    : `Allowed: ${hosts.map(({ host, methods }) => `${host} (${methods.join(", ")})`).join(", ")}.`;
}

interface Asked {
  readonly method: string;
  readonly url: string;
  readonly query: Readonly<Record<string, string | number | boolean>>;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Json;
}

function sender(client: WebClient, hosts: readonly HttpHost[], secrets: SecretSource) {
  return async (asked: Asked, { idempotencyKey, signal }: ToolCall): Promise<z.output<typeof output>> => {
    const target = new URL(asked.url);
    for (const [name, value] of Object.entries(asked.query)) target.searchParams.append(name, String(value));
    const host = requireHost(hosts, asked.method, target);
    const { forms, ...signed } = signedWith(host.auth === undefined ? [] : [host.auth], secrets);
    for (const [name, value] of Object.entries(signed.query)) target.searchParams.set(name, value);
    const request: WebRequest = {
      url: target,
      method: asked.method,
      headers: { ...bodyHeaders(asked, idempotencyKey), ...ownHeaders(asked.headers) },
      credentials: signed.headers,
      body: bodyOf(asked),
      bytesMax: BYTES_MAX,
      timeoutMs: TIMEOUT_MS,
      redirectsMax: REDIRECTS_MAX,
      admit: (hop) => void requireHost(hosts, asked.method, hop),
    };
    try {
      const answer = await client.send(request, signal);
      const type = mediaTypeOf(answer);
      const shown = Object.fromEntries(SHOWN.flatMap((name) => (answer.headers[name] === undefined ? [] : [[name, answer.headers[name]]])));
      const given = { status: answer.status, url: answer.url.href, headers: shown, ...contentOf(type, answer) };
      return scrubbed(given, forms) as z.output<typeof output>;
    } catch (error) {
      signal.throwIfAborted();
      throw scrubbedError(error, forms);
    }
  };
}

/** The rule for a URL and a method. Throws `denied` where there is none. */
function requireHost(hosts: readonly HttpHost[], method: string, target: URL): HttpHost {
  const ofHost = hosts.filter(({ host }) => isHost(host, target));
  if (ofHost.length === 0)
    throw new AppError(
      "denied",
      `wanted a host that httpHosts lists (${hosts.map(({ host }) => host).join(", ") || "none"}), got ${target.host}`,
    );
  const found = ofHost.find(({ methods, paths }) => methods.includes(method) && paths.some((path) => isBelow(target.pathname, path)));
  if (found === undefined)
    throw new AppError(
      "denied",
      `httpHosts does not allow ${method} on this path of ${target.host}; it allows ${ofHost.map(rule).join("; ")}`,
    );
  if (target.protocol === "http:" && !found.isHttpAllowed && !found.isPrivate)
    throw new AppError(
      "denied",
      `wanted https for ${target.host}, got http, which anybody on the way can read; set httpAllow: true for it`,
    );
  return found;
}

const rule = ({ methods, paths }: HttpHost): string => `${methods.join(", ")} on ${paths.join(", ")}`;

function isHost(pattern: string, { host, hostname, port }: URL): boolean {
  if (!pattern.startsWith("*.")) return pattern === host;
  return port === "" && hostname.endsWith(pattern.slice(1)) && hostname.length > pattern.length - 1;
}

/** Whether a path is the given one or below it. An encoded slash or dot may mean another path to the server: such paths are below nothing but "/". */
function isBelow(path: string, prefix: string): boolean {
  if (prefix === "/") return true;
  if (/%2f|%2e|%5c|\\|;/i.test(path)) return false;
  return path === prefix || path.startsWith(prefix.endsWith("/") ? prefix : `${prefix}/`);
}

function ownHeaders(given: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  const lower = Object.entries(given).map(([name, value]) => [name.toLowerCase(), value] as const);
  const reserved = lower.find(([name]) => RESERVED.has(name))?.[0];
  if (reserved !== undefined)
    throw new AppError(
      "invalid_input",
      `wanted headers of the request's own, got ${reserved}, which Tutti sets; name secrets in httpHosts`,
    );
  return Object.fromEntries(lower);
}

function bodyOf({ body, method }: Asked): string | undefined {
  if (body === undefined) return undefined;
  if (method === "GET" || method === "HEAD") throw new AppError("invalid_input", `wanted no body for ${method}, got one`);
  const text = typeof body === "string" ? body : JSON.stringify(body);
  if (text.length > BODY_CHARACTERS_MAX)
    throw new AppError("too_large", `wanted a body of at most ${BODY_CHARACTERS_MAX} characters, got ${text.length}`);
  return text;
}

function bodyHeaders({ body, method }: Asked, idempotencyKey: string): Readonly<Record<string, string>> {
  const type = typeof body === "string" ? "text/plain; charset=utf-8" : "application/json";
  const key = method === "POST" || method === "PATCH" ? { "idempotency-key": idempotencyKey } : {};
  return { ...key, ...(body !== undefined && { "content-type": type }) };
}

function contentOf(
  type: string,
  answer: Parameters<typeof textOf>[0],
): { readonly body: Json; readonly encoding: "json" | "text" | "base64" } {
  if (isJsonType(type)) {
    try {
      return { body: JSON.parse(textOf(answer)) as Json, encoding: "json" };
    } catch {
      return { body: textOf(answer), encoding: "text" };
    }
  }
  if (isTextType(type) || answer.body.length === 0) return { body: textOf(answer), encoding: "text" };
  return { body: answer.body.toString("base64"), encoding: "base64" };
}
