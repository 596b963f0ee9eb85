import type { IncomingHttpHeaders } from "node:http";
import { AppError, type Principal } from "@tutti/core";
import { TokenBucket } from "@tutti/core/resilience";
import { accessTokens, isJwt, SIGNER_HEADER, signedRequests } from "../../auth/index.ts";
import { readSecret } from "../../host/config/index.ts";
import type { App } from "../../host/index.ts";

/** Where the protocol is served. */
export const MCP_PATH = "/mcp";
/** Where clients find out who gives out tokens for it (RFC 9728 §3.1: the well-known part stands before the path). */
export const METADATA_PATH = `/.well-known/oauth-protected-resource`;
/** Principals whose rate is remembered; beyond it the longest known are forgotten. */
const PRINCIPALS_MAX = 10_000;
const LOOPBACK_HOST = /^(localhost|127(\.\d+){3}|\[::1\])(:\d+)?$/i;

/** A request that wants to come in. */
interface Knock {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** Tells who comes to `/mcp`, and whether they come too often. */
export interface Door {
  admit(knock: Knock): Promise<Principal>;
  /** Whether it was Tutti's own credentials that were shown, which end: a signature is good once, and a token of others says itself how long. */
  isOwn(headers: IncomingHttpHeaders): boolean;
  /** What an OAuth client reads to find out how to get a token. */
  metadata(host: string): Readonly<Record<string, unknown>>;
  /** What tells a client without a token where to look (RFC 9728 §5.1), or which scope it lacks (RFC 6750 §3.1). */
  challenge(error: AppError, host: string): string;
}

/** The door of an app. A token of Tutti's, a key, an issuer's access token and a signature are credentials; one is enough. */
export function openDoor({ config, authenticate }: Pick<App, "config" | "authenticate">): Door {
  const { publicUrl, issuers, signers } = config.mcp;
  const baseUrl = (host: string): string => (publicUrl ?? `http://${host}`).replace(/\/$/, "");
  const ofToken = publicUrl === undefined || issuers.length === 0 ? undefined : accessTokens(issuers, `${baseUrl("")}${MCP_PATH}`);
  const ofSignature = signedRequests(
    signers.map(({ secretEnv, ...signer }) => ({ ...signer, secret: readSecret(secretEnv) })),
    () => Date.now(),
  );
  const take = rateLimiter(config.mcp);
  const scopes = [...new Set(issuers.flatMap((issuer) => issuer.scopes))];
  return {
    async admit(knock) {
      refuseForeignHosts(config, knock.headers);
      const accessToken = accessTokenIn(knock.headers);
      const isSigned = SIGNER_HEADER in knock.headers;
      const isToken = ofToken !== undefined && accessToken !== undefined;
      const principal = isSigned ? ofSignature(knock) : isToken ? await ofToken(accessToken) : authenticate(knock.headers, knock.method);
      take(principal.id);
      return principal;
    },
    isOwn: (headers) => !(SIGNER_HEADER in headers) && (ofToken === undefined || accessTokenIn(headers) === undefined),
    metadata: (host) => ({
      resource: `${baseUrl(host)}${MCP_PATH}`,
      resource_name: "Tutti",
      bearer_methods_supported: ["header"],
      ...(issuers.length > 0 && { authorization_servers: issuers.map(({ issuer }) => issuer) }),
      ...(scopes.length > 0 && { scopes_supported: scopes }),
    }),
    challenge(error, host) {
      const isScope = error.code === "denied";
      const parts = [
        `Bearer realm="tutti"`,
        `resource_metadata="${baseUrl(host)}${METADATA_PATH}${MCP_PATH}"`,
        ...(isScope ? [`error="insufficient_scope"`] : []),
        ...(scopes.length > 0 ? [`scope="${scopes.join(" ")}"`] : []),
      ];
      return parts.join(", ");
    },
  };
}

function accessTokenIn({ authorization = "" }: IncomingHttpHeaders): string | undefined {
  const token = /^bearer (.+)$/i.exec(authorization)?.[1];
  return token !== undefined && isJwt(token) ? token : undefined;
}

/**
 * A name server of somebody else's must not point at this machine (DNS rebinding): where only this machine can connect, the `Host` must be
 * this machine's name, or that of `publicUrl`, behind which a proxy stands.
 */
function refuseForeignHosts({ host: bound, mcp }: App["config"], { host = "" }: IncomingHttpHeaders): void {
  const isOwn = LOOPBACK_HOST.test(host) || (mcp.publicUrl !== undefined && new URL(mcp.publicUrl).host === host.toLowerCase());
  const isLocal = LOOPBACK_HOST.test(bound) || bound === "::1";
  if (isLocal && !isOwn)
    throw new AppError("denied", `wanted a request to this machine's own name or to mcp.publicUrl, got one to "${host}"`);
}

function rateLimiter({ requestsPerSecond, burst }: App["config"]["mcp"]): (principalId: string) => void {
  const buckets = new Map<string, TokenBucket>();
  return (principalId) => {
    const bucket = buckets.get(principalId) ?? new TokenBucket({ perSecond: requestsPerSecond, burst }, performance.now());
    buckets.set(principalId, bucket);
    const waitMs = bucket.take(performance.now());
    const oldest = buckets.size > PRINCIPALS_MAX ? buckets.keys().next().value : undefined;
    if (oldest !== undefined) buckets.delete(oldest);
    if (waitMs > 0)
      throw new AppError(
        "rate_limited",
        `wanted at most ${requestsPerSecond} requests a second at ${MCP_PATH}, got more; slow down, or raise mcp.requestsPerSecond`,
        {
          cause: { retryAfterMs: waitMs },
        },
      );
  };
}
