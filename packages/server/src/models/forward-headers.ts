import type { IncomingHttpHeaders } from "node:http";

/** Meant for one connection only (RFC 9110 §7.6.1), never for the next. */
const HOP_BY_HOP = [
  "connection",
  "keep-alive",
  "proxy-authenticate",
  "proxy-authorization",
  "proxy-connection",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
];

/**
 * What a client tells Tutti, not the provider: credentials and cookies, the size, which is counted again, and `Expect`, which is already
 * answered. Without `Accept-Encoding` the provider answers in plain text, in which the tap can find the usage.
 */
const TO_TUTTI_ONLY: ReadonlySet<string> = new Set([
  ...HOP_BY_HOP,
  "host",
  "authorization",
  "x-api-key",
  "api-key",
  "x-goog-api-key",
  "cookie",
  "content-length",
  "expect",
  "accept-encoding",
]);

/**
 * What a provider says about its own origin, not about the answer. On Tutti's origin it would be wrong, and a cookie or a CORS grant from
 * there would be a hole.
 */
const ABOUT_ORIGIN = ["set-cookie", "strict-transport-security", "alt-svc", "clear-site-data", "report-to", "nel"];
const TO_CLIENT_NEVER: ReadonlySet<string> = new Set([...HOP_BY_HOP, ...ABOUT_ORIGIN]);

/** The headers to send on, as names and values in turn: the client's without what is meant for Tutti, then the provider's own. */
export function requestHeaders(incoming: IncomingHttpHeaders, own: readonly string[]): readonly string[] {
  const headers = [...own];
  const named = connectionOptions(incoming.connection);
  for (const name in incoming) {
    const value = incoming[name];
    if (value === undefined || TO_TUTTI_ONLY.has(name) || named?.has(name) === true) continue;
    const place = placeOf(own, name);
    if (place < 0) push(headers, name, value);
    // Anthropic's clients know which version of the API they speak, and which features they want beside the configured ones.
    else if (name === "anthropic-version") headers[place + 1] = String(value);
    else if (name === "anthropic-beta") headers[place + 1] = `${headers[place + 1]},${String(value)}`;
  }
  return headers;
}

function push(headers: string[], name: string, value: string | readonly string[]): void {
  if (typeof value === "string") headers.push(name, value);
  else for (const item of value) headers.push(name, item);
}

/** The headers to answer with, as names and values in turn: the provider's as they are, without what ends here, then the extra ones. */
export function responseHeaders(answer: IncomingHttpHeaders, extra: Readonly<Record<string, string>>): string[] {
  const headers: string[] = [];
  const named = connectionOptions(answer.connection);
  for (const name in answer) {
    const value = answer[name];
    if (
      value === undefined ||
      TO_CLIENT_NEVER.has(name) ||
      name.startsWith("access-control-") ||
      named?.has(name) === true ||
      name in extra
    )
      continue;
    push(headers, name, value);
  }
  for (const name in extra) headers.push(name, extra[name] ?? "");
  return headers;
}

/** The headers that `Connection` names as hop-by-hop too; almost always none. */
function connectionOptions(connection: string | undefined): ReadonlySet<string> | undefined {
  if (connection === undefined || connection === "keep-alive" || connection === "close") return undefined;
  return new Set(
    connection
      .toLowerCase()
      .split(",")
      .map((name) => name.trim()),
  );
}

/** Where a name stands among names and values in turn; -1 when it does not. */
function placeOf(own: readonly string[], name: string): number {
  for (let index = 0; index < own.length; index += 2) if (own[index] === name) return index;
  return -1;
}
