import { AppError, type Json } from "@tutti/core";
import type { WebResponse } from "../../net/index.ts";
import { atPointer, type JsonObject } from "./document.ts";
import type { ApiOperation, Parameter } from "./operations.ts";

/** How an operation's answer goes on. `items` and `next` are JSON Pointers (RFC 6901) into the answer's body. */
export type Pagination =
  | { readonly type: "link"; readonly items?: string | undefined }
  | { readonly type: "cursor"; readonly parameter: string; readonly next: string; readonly items?: string | undefined }
  | { readonly type: "page"; readonly parameter: string; readonly items?: string | undefined }
  | { readonly type: "offset"; readonly parameter: string; readonly items?: string | undefined };

/** A page's answer, and which it is. */
export interface PageAnswer {
  readonly response: WebResponse;
  readonly body: Json;
  readonly input: JsonObject;
}

/** What to ask for next: an URL that the server gave, or the same operation with another input. */
export type NextPage = { readonly url: URL } | { readonly input: JsonObject };

/** The items of a page. Throws `invalid_output` where the rule finds no list. */
export function itemsOf(body: Json, { items = "" }: Pagination): readonly Json[] {
  const found = atPointer(body, `#${items}`);
  if (Array.isArray(found)) return found as readonly Json[];
  throw new AppError(
    "invalid_output",
    `wanted a list of items at "${items}" of the answer, got ${found === undefined ? "nothing" : "something else"}`,
  );
}

/** What follows a page; `undefined` after the last one. Pure. */
export function nextOf(rule: Pagination, operation: ApiOperation, answer: PageAnswer): NextPage | undefined {
  const { response, body, input } = answer;
  if (rule.type === "link") {
    const url = linkNext(response);
    return url === undefined ? undefined : { url };
  }
  const { property } = parameterOf(rule.parameter, operation);
  if (rule.type === "cursor") {
    const next = atPointer(body, `#${rule.next}`);
    if (typeof next === "string" && /^https?:\/\//.test(next)) return { url: new URL(next) };
    const isMore = (typeof next === "string" && next !== "") || typeof next === "number";
    return isMore ? { input: { ...input, [property]: next } } : undefined;
  }
  const count = itemsOf(body, rule).length;
  if (count === 0) return undefined;
  const at = input[property];
  const next = rule.type === "offset" ? (typeof at === "number" ? at : 0) + count : (typeof at === "number" ? at : 1) + 1;
  return { input: { ...input, [property]: next } };
}

function parameterOf(name: string, { parameters, id }: ApiOperation): Parameter {
  const found = parameters.find((parameter) => parameter.name === name && parameter.in === "query");
  if (found === undefined) throw new AppError("invalid_input", `wanted a query parameter of ${id} that pages, got ${name}, which is none`);
  return found;
}

/** The URL of the header `Link: <…>; rel="next"` (RFC 8288). */
function linkNext({ headers, url }: WebResponse): URL | undefined {
  for (const link of (headers["link"] ?? "").split(/,(?=\s*<)/)) {
    const [, target = "", parameters = ""] = /^\s*<([^>]*)>(.*)$/.exec(link) ?? [];
    if (/;\s*rel\s*=\s*"?(?:[^"]*\s)?next(?:\s[^"]*)?"?\s*(?:;|$)/i.test(parameters)) return URL.parse(target, url.href) ?? undefined;
  }
  return undefined;
}
