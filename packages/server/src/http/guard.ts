import { randomUUID } from "node:crypto";
import type { IncomingHttpHeaders, IncomingMessage } from "node:http";
import { AppError, enforce, type Principal } from "@tutti/core";
import { TokenBucket } from "@tutti/core/resilience";
import type { MiddlewareHandler } from "hono";
import { routePath } from "hono/route";
import { isGatewayRoute, isJailRoute } from "../auth/index.ts";
import type { App } from "../host/index.ts";
import { isConsolePath } from "./console/index.ts";
import type { HttpContext, HttpEnv } from "./env.ts";
import { MCP_PATH, METADATA_PATH } from "./mcp/index.ts";
import type { Stays } from "./stays.ts";

/** What anyone may ask without a token. */
const OPEN_PATHS: ReadonlySet<string> = new Set([
  "/health",
  "/ready",
  "/healthz",
  "/readyz",
  "/",
  "/favicon.ico",
  METADATA_PATH,
  `${METADATA_PATH}${MCP_PATH}`,
  // A browser that comes back from a login has no token; it has the state of that login.
  `${MCP_PATH}/callback`,
]);
/** Webhooks carry a signature instead of a token; their route checks it. */
const WEBHOOK_PATH = /^\/webhooks\/[^/]+$/;
/** What probes ask all the time. */
const PROBE_PATHS: ReadonlySet<string> = new Set(["/health", "/ready", "/healthz", "/readyz", "/metrics", "/favicon.ico"]);
/** Clients whose rate is remembered; beyond it the longest known are forgotten. */
const CLIENTS_MAX = 10_000;
const LOOPBACK_HOST = /^(localhost|127(\.\d+){3}|\[::1\])(:\d+)?$/;
const REQUEST_ID = /^[\w.:-]{1,128}$/;

/** The first thing every request meets: an id, the access log, the metrics, then the door. */
export function guard(app: App, stays: Stays): MiddlewareHandler<HttpEnv> {
  const limiter = limiterOf(app.config);
  return async (ctx, next) => {
    // Node's own headers: a `Headers` object would be made for this alone.
    const { headers, socket } = ctx.env.incoming;
    const pathname = ctx.req.path;
    const given = headers["x-request-id"];
    const requestId = typeof given === "string" && REQUEST_ID.test(given) ? given : randomUUID();
    ctx.set("requestId", requestId);
    ctx.set("stays", stays);
    ctx.env.outgoing.setHeader("x-request-id", requestId);
    // Nothing that models, tools or strangers wrote is to be taken by a browser for what it does not say it is.
    ctx.env.outgoing.setHeader("x-content-type-options", "nosniff");
    observe(app, ctx, { pathname, requestId });
    const { door } = ctx.env;
    if (door !== undefined) {
      limiter(door.id);
      ctx.set("principal", admitJail(door, ctx.req.method, ctx.env.incoming));
    } else if (!OPEN_PATHS.has(pathname) && !isConsolePath(ctx.req.method, pathname)) {
      limiter(socket.remoteAddress ?? "");
      refuseForeignPages(app, headers);
      // At /mcp there are credentials of its own kinds; its door asks for them.
      if (!WEBHOOK_PATH.test(pathname) && !isSignIn(ctx.req.method, pathname) && pathname !== MCP_PATH)
        ctx.set("principal", admit(app, ctx.req.method, ctx.env.incoming));
    }
    await next();
  };
}

/** Whoever signs in shows what lets them in, and whoever asks whether they are signed in may not be; the route checks both. */
function isSignIn(method: string, path: string): boolean {
  return (method === "POST" || method === "GET" || method === "HEAD") && path === "/v1/session";
}

/** Who asks. Holders of keys use the gateway; whatever else they ask is decided like an act of the owner. */
export function admit({ authenticate, registry }: App, method: string, { headers, url = "" }: IncomingMessage): Principal {
  const principal = authenticate(headers, method);
  const path = url.split("?", 1)[0] ?? "";
  if (!principal.roles.includes("owner") && !isGatewayRoute(method, path)) {
    const action = { kind: "admin", principal, resource: `${method} ${path}` } as const;
    enforce(action, registry.decide(action));
  }
  return principal;
}

/** A program in a jail is who its door says. What it shows of itself is not looked at: it can only be stolen, or guessed. */
function admitJail(principal: Principal, method: string, { url = "" }: IncomingMessage): Principal {
  const path = url.split("?", 1)[0] ?? "";
  if (isJailRoute(method, path)) return principal;
  throw new AppError("denied", `wanted a request for models or tools, got ${method} ${path}; a jail may ask nothing else`);
}

/** One log line and one measurement a request, once its response is sent or its client is gone. */
function observe(app: App, ctx: HttpContext, { pathname, requestId }: { readonly pathname: string; readonly requestId: string }): void {
  const { config, logger, metrics } = app;
  const { outgoing } = ctx.env;
  const startMs = performance.now();
  const isLogged = config.accessLog && (config.probeLog || !PROBE_PATHS.has(pathname));
  outgoing.once("close", () => {
    const durationMs = Math.round((performance.now() - startMs) * 1000) / 1000;
    // 499 is what nginx logs for a client that left before the answer.
    const status = outgoing.writableFinished ? outgoing.statusCode : 499;
    metrics.observeRequest({ method: ctx.req.method, route: routePath(ctx, -1), status, durationMs });
    const runId = outgoing.getHeader("tutti-run-id");
    if (isLogged)
      logger.info(
        { requestId, ...(runId !== undefined && { runId }), method: ctx.req.method, path: pathname, status, durationMs },
        "request",
      );
  });
}

/**
 * A page from elsewhere must not use a browser that knows the token or stands on loopback: its `Origin` is refused, and where no token is
 * asked for, so is a `Host` that a foreign name server could have pointed here (DNS rebinding).
 */
export function refuseForeignPages({ config }: App, { host = "", origin }: IncomingHttpHeaders): void {
  if (origin !== undefined && !isOwnPage(origin, host))
    throw new AppError(
      "denied",
      `wanted a request from this server's own pages or from a program, got one from ${origin}; a proxy before Tutti has to pass on Host as it came`,
    );
  if (config.auth === "none" && !LOOPBACK_HOST.test(host))
    throw new AppError("denied", `without a token wanted a request to localhost, got one to "${host}"`);
}

/** Other schemes have hosts as well, and an address made of one is no link to us. */
function isOwnPage(origin: string, host: string): boolean {
  const page = URL.parse(origin);
  return page !== null && (page.protocol === "http:" || page.protocol === "https:") && page.host === host;
}

/** One for each app, so that its doors share it. */
const LIMITERS = new WeakMap<App["config"], (client: string) => void>();

/** Counts a request of a client address; throws `rate_limited`. */
export function limiterOf(config: App["config"]): (client: string) => void {
  const known = LIMITERS.get(config);
  if (known !== undefined) return known;
  const limiter = rateLimiter(config);
  LIMITERS.set(config, limiter);
  return limiter;
}

function rateLimiter(config: App["config"]): (client: string) => void {
  const options = { perSecond: config.rateLimitPerSecond, burst: config.rateLimitBurst };
  const buckets = new Map<string, TokenBucket>();
  return (client) => {
    let bucket = buckets.get(client);
    if (bucket === undefined) {
      bucket = new TokenBucket(options, performance.now());
      buckets.set(client, bucket);
      if (buckets.size > CLIENTS_MAX) for (const oldest of buckets.keys()) return void buckets.delete(oldest);
    }
    if (bucket.take(performance.now()) > 0)
      throw new AppError(
        "rate_limited",
        `wanted at most ${options.perSecond} requests a second from ${client}, got more; slow down, or raise rateLimitPerSecond`,
      );
  };
}
