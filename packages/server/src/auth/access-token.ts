import { AppError, type Principal } from "@tutti/core";
import { createRemoteJWKSet, errors, jwtVerify, type JWTPayload } from "jose";

/** Somebody who gives out access tokens for this server. */
export interface Issuer {
  readonly issuer: string;
  readonly jwksUrl: string;
  /** Scopes that a token must have, all of them. */
  readonly scopes: readonly string[];
  readonly roles: readonly string[];
}

/** Asymmetric ones only: with an issuer's public keys, a token signed with "HS256" or "none" could be anybody's. */
const ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"];
const CLOCK_SKEW_SECONDS = 30;
const KEYS_TIMEOUT_MS = 5_000;
const JWT = /^[\w-]+\.[\w-]+\.[\w-]+$/;

/** Whether a bearer token looks like a JWT (RFC 7519); Tutti's own tokens do not. */
export function isJwt(token: string): boolean {
  return JWT.test(token);
}

/**
 * Makes the function that tells whose access token it is (RFC 9068). A token must come from one of the issuers, be signed by one of their
 * keys, not be over, be made for this server and no other (its audience, RFC 8707), and have the scopes. Throws `unauthorized`, and `denied`
 * where only a scope is missing.
 */
export function accessTokens(issuers: readonly Issuer[], audience: string): (token: string) => Promise<Principal> {
  const known = new Map(
    issuers.map((issuer) => [
      issuer.issuer,
      { ...issuer, keys: createRemoteJWKSet(new URL(issuer.jwksUrl), { timeoutDuration: KEYS_TIMEOUT_MS }) },
    ]),
  );
  return async (token) => {
    const issuer = known.get(claimedIssuer(token));
    if (issuer === undefined) throw new AppError("unauthorized", "wanted an access token of a configured issuer, got one of another");
    const payload = await jwtVerify(token, issuer.keys, {
      issuer: issuer.issuer,
      audience,
      algorithms: ALGORITHMS,
      clockTolerance: CLOCK_SKEW_SECONDS,
      requiredClaims: ["exp", "sub", "aud"],
    }).then(
      (verified) => verified.payload,
      (error: unknown) => {
        throw new AppError("unauthorized", `wanted a valid access token for ${audience}, got one that is not: ${reasonOf(error)}`);
      },
    );
    const missing = issuer.scopes.filter((scope) => !scopesOf(payload).has(scope));
    if (missing.length > 0)
      throw new AppError(
        "denied",
        `insufficient_scope: wanted an access token with the scopes ${issuer.scopes.join(" ")}, got one without ${missing.join(" ")}`,
      );
    return { id: `oauth:${new URL(issuer.issuer).host}:${payload.sub ?? ""}`, tenant: "default", roles: issuer.roles };
  };
}

/** Only to find the keys by; nothing else of an unverified token is looked at. */
function claimedIssuer(token: string): string {
  try {
    const payload = JSON.parse(Buffer.from(token.split(".")[1] ?? "", "base64url").toString("utf8")) as { readonly iss?: unknown };
    return typeof payload.iss === "string" ? payload.iss : "";
  } catch {
    return "";
  }
}

function scopesOf({ scope, scp }: JWTPayload & { readonly scope?: unknown; readonly scp?: unknown }): ReadonlySet<unknown> {
  const listed = scope ?? scp;
  return new Set(typeof listed === "string" ? listed.split(" ") : Array.isArray(listed) ? (listed as readonly unknown[]) : []);
}

function reasonOf(error: unknown): string {
  return error instanceof errors.JOSEError ? error.code : "its keys could not be had";
}
