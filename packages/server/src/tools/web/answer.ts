import { AppError, type ErrorCode, type Json } from "@tutti/core";
import type { WebResponse } from "../../net/index.ts";

const EXCERPT_CHARACTERS_MAX = 300;

/** The media type without its parameters, in lower case. */
export function mediaTypeOf({ headers }: Pick<WebResponse, "headers">): string {
  return (headers["content-type"] ?? "").split(";")[0]?.trim().toLowerCase() ?? "";
}

/** Whether a media type is JSON (RFC 6839). */
export function isJsonType(type: string): boolean {
  return type === "application/json" || type.endsWith("+json");
}

/** Whether a body of this media type is text to read. */
export function isTextType(type: string): boolean {
  return type.startsWith("text/") || isJsonType(type) || /^application\/(?:xml|.*\+xml|javascript|x-ndjson|yaml|x-yaml)$/.test(type);
}

/** A body as text, in the encoding that its header names, or else in UTF-8. */
export function textOf({ headers, body }: Pick<WebResponse, "headers" | "body">, encodingOtherwise = "utf-8"): string {
  const named = /charset\s*=\s*"?([\w.:-]+)/i.exec(headers["content-type"] ?? "")?.[1];
  for (const encoding of [named, encodingOtherwise, "utf-8"]) {
    try {
      if (encoding !== undefined) return new TextDecoder(encoding).decode(body);
    } catch {
      // A name that nobody knows: the next one.
    }
  }
  return body.toString("utf8");
}

/** A body as JSON. Throws `invalid_output` for what is none. */
export function jsonOf(response: Pick<WebResponse, "headers" | "body" | "url">): Json {
  try {
    return JSON.parse(textOf(response)) as Json;
  } catch (error) {
    throw new AppError("invalid_output", `wanted JSON from ${response.url.host}, got something else`, { cause: error });
  }
}

const CODES: Readonly<Record<number, ErrorCode>> = {
  401: "denied",
  403: "denied",
  404: "not_found",
  410: "not_found",
  408: "timeout",
  429: "rate_limited",
};

/** Throws when an answer is no success; only what may pass by itself has a code that is tried again. */
export function requireSuccess(response: WebResponse, what: string): void {
  const { status } = response;
  if (status >= 200 && status < 300) return;
  const code = CODES[status] ?? (status >= 500 ? "upstream" : "invalid_input");
  const excerpt = isTextType(mediaTypeOf(response)) ? textOf(response).replaceAll(/\s+/g, " ").trim().slice(0, EXCERPT_CHARACTERS_MAX) : "";
  throw new AppError(code, `${what} answered with status ${status}${excerpt === "" ? "" : `: ${excerpt}`}`);
}
