import { AppError, type Principal } from "@tutti/core";
import { isToken } from "./token.ts";

/** Who may come in. `none` lets everyone in as the owner; the host allows it on loopback only. */
type Doorkeeper = { readonly mode: "none" } | { readonly mode: "token"; readonly hashes: readonly string[] };

const OWNER: Principal = { id: "owner", tenant: "default", roles: ["owner"] };
/** Whole `Authorization` values that passed before, so that busy clients are not hashed for on every request. */
const REMEMBERED_MAX = 100;

/** Makes the function that turns an `Authorization` header into a principal, or throws `unauthorized`. */
export function authenticator(door: Doorkeeper): (authorization: string | undefined) => Principal {
  if (door.mode === "none") return () => OWNER;
  const remembered = new Set<string>();
  return (authorization) => {
    if (authorization === undefined)
      throw new AppError(
        "unauthorized",
        "wanted the header `Authorization: Bearer <token>`, got none; the token was printed at the first start, or set one with TUTTI_TOKEN",
      );
    if (remembered.has(authorization)) return OWNER;
    const token = tokenIn(authorization);
    if (token === undefined || !door.hashes.some((hash) => isToken(token, hash))) {
      throw new AppError(
        "unauthorized",
        "wanted a valid bearer token, got one that is not; the token was printed at the first start, or set a new one with TUTTI_TOKEN",
      );
    }
    if (remembered.size < REMEMBERED_MAX) remembered.add(authorization);
    return OWNER;
  };
}

/** The token in a Bearer header, or the password in a Basic one (RFC 7617), which lets a browser ask for it. */
function tokenIn(authorization: string): string | undefined {
  const [scheme = "", value = ""] = authorization.split(" ", 2);
  if (scheme.toLowerCase() === "bearer") return value;
  if (scheme.toLowerCase() !== "basic") return undefined;
  const [, password] = Buffer.from(value, "base64").toString("utf8").split(/:(.*)/s);
  return password;
}
