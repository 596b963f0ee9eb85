import type { IncomingHttpHeaders } from "node:http";
import { AppError, type Principal } from "@tutti/core";
import type { Keys } from "./keys.ts";
import { csrfTokenOf, sessionSecretIn, type Sessions } from "./sessions.ts";
import { isToken, tokenHash } from "./token.ts";

/** Who may come in. `none` lets everyone in as the owner; the host allows it on loopback only. A key is a key in both. */
type Doorkeeper = { readonly mode: "none" } | { readonly mode: "token"; readonly hashes: () => readonly string[] };

const OWNER: Principal = { id: "owner", tenant: "default", roles: ["owner"] };
/** Tokens that passed before with the hash they passed by, so that busy clients are not hashed for on every request. */
const REMEMBERED_MAX = 100;
/** Where clients put a key when they are not OpenAI's: Anthropic's, Azure's, Google's. */
const KEY_HEADERS = ["x-api-key", "api-key", "x-goog-api-key"] as const;

/** Turns a request's headers into a principal, or throws `unauthorized`. */
export type Authenticate = (headers: IncomingHttpHeaders, method?: string) => Principal;

/** What can change nothing (RFC 9110 §9.2.1). */
const SAFE_METHODS: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS"]);

/** Makes the function that says who asks: a key's holder, the owner by token, or the owner at a browser that signed in. */
export function authenticator(
  door: Doorkeeper,
  { keys, sessions }: { readonly keys?: Keys; readonly sessions?: Sessions } = {},
): Authenticate {
  const remembered = new Map<string, string>();
  return (headers, method = "GET") => {
    const token = tokenIn(headers);
    const holder = token === undefined ? undefined : keys?.principalOf(token);
    if (holder !== undefined) return holder;
    if (door.mode === "none") return OWNER;
    if (token === undefined && isSignedIn(headers, { sessions, method })) return OWNER;
    if (token === undefined)
      throw new AppError(
        "unauthorized",
        "wanted the header `Authorization: Bearer <token>`, got none; the token was printed at the first start, or set one with TUTTI_TOKEN",
      );
    const hashes = door.hashes();
    const known = remembered.get(token);
    if (known !== undefined && hashes.includes(known)) return OWNER;
    const found = hashes.find((hash) => isToken(token, hash));
    if (found === undefined)
      throw new AppError(
        "unauthorized",
        "wanted a valid bearer token, got one that is not; the token was printed at the first start, or set a new one with TUTTI_TOKEN",
      );
    if (remembered.size >= REMEMBERED_MAX) remembered.clear();
    remembered.set(token, found);
    return OWNER;
  };
}

/** A browser sends its cookie by itself: what changes something must come from a page that knows the session's other secret too. */
function isSignedIn(
  headers: IncomingHttpHeaders,
  { sessions, method }: { readonly sessions: Sessions | undefined; readonly method: string },
): boolean {
  const secret = sessionSecretIn(headers);
  if (secret === undefined || sessions?.find(secret) === undefined) return false;
  const { "x-csrf-token": csrfToken } = headers;
  if (SAFE_METHODS.has(method) || (typeof csrfToken === "string" && isToken(csrfToken, tokenHash(csrfTokenOf(secret))))) return true;
  throw new AppError("denied", "wanted the header x-csrf-token of this session, as GET /v1/session tells it, got another or none");
}

/** Whether these headers show a token or a key, good or not. */
export function hasToken(headers: IncomingHttpHeaders): boolean {
  return tokenIn(headers) !== undefined;
}

/** The token in a Bearer header, the password in a Basic one (RFC 7617), which lets a browser ask for it, or a client's own header. */
function tokenIn(headers: IncomingHttpHeaders): string | undefined {
  const { authorization } = headers;
  if (authorization !== undefined) return tokenOf(authorization);
  for (const name of KEY_HEADERS) {
    const value = headers[name];
    if (typeof value === "string") return value;
  }
  return undefined;
}

function tokenOf(authorization: string): string {
  const [scheme = "", value = ""] = authorization.split(" ", 2);
  if (scheme.toLowerCase() === "bearer") return value;
  if (scheme.toLowerCase() !== "basic") return "";
  const [, password = ""] = Buffer.from(value, "base64").toString("utf8").split(/:(.*)/s);
  return password;
}
