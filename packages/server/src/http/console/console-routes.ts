import { fileURLToPath } from "node:url";
import { AppError } from "@tutti/core";
import { Hono } from "hono";
import type { App } from "../../host/index.ts";
import type { HttpContext, HttpEnv } from "../env.ts";
import { errorResponse } from "../problem.ts";
import { ConsoleFiles, type ConsoleFile } from "./console-files.ts";
import { CONSOLE_HEADERS } from "./console-headers.ts";

const PREFIX = "/admin/";
/** Where `npm run console:build` puts it. */
const BUILT = fileURLToPath(new URL("../../../../console/dist", import.meta.url));
const IMMUTABLE = "public, max-age=31536000, immutable";
/**
 * The console's files: those that Vite writes, and a few beside the page. Every other path is an address within the console, also one that
 * ends like a file's name: a workflow may be called "shop.orders".
 */
const FILE_PATH = /^(?:assets\/.*|[^/]+\.[A-Za-z0-9]+)$/;
const NOT_BUILT = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Tutti</title></head><body>
<h1>The console is not built</h1>
<p>Build it once with <code>npm run console:build</code> in Tutti's folder, then load this page again. Everything else works without it.</p>
</body></html>`;

/** What the console's page and files need no token for: they are the same for everybody, and hold nothing of this server's. */
export function isConsolePath(method: string, path: string): boolean {
  return (method === "GET" || method === "HEAD") && (path === "/admin" || path.startsWith(PREFIX));
}

/** The web console at `/admin/`: its page for every deep link, and its files. */
export function consoleRoutes({ config }: App): Hono<HttpEnv> {
  const files = new ConsoleFiles(config.consoleDir ?? BUILT);
  const routes = new Hono<HttpEnv>();
  // Relative, so that it is right under any path that a proxy puts before it.
  routes.get("/admin", (ctx) => ctx.body(null, 308, { ...CONSOLE_HEADERS, location: "admin/" }));
  routes.get("/admin/*", async (ctx) => {
    const path = ctx.req.path.slice(PREFIX.length);
    if (FILE_PATH.test(path) && path !== "index.html") {
      const file = await files.find(path, ctx.req.header("accept-encoding") ?? "");
      return file === undefined ? missing(ctx, path) : sent(ctx, file);
    }
    const page = await files.page(`${config.publicPath}${PREFIX}`);
    return page === undefined
      ? ctx.body(NOT_BUILT, 503, { ...CONSOLE_HEADERS, "content-type": "text/html; charset=utf-8", "cache-control": "no-store" })
      : sent(ctx, page);
  });
  return routes;
}

/** It stands where a file of the console would, so it is held to the same. */
function missing(ctx: HttpContext, path: string): Response {
  const error = new AppError("not_found", `wanted a file of the console, got ${path.slice(0, 200)}, which is none; load the page again`);
  const { status, headers, body } = errorResponse(error, ctx.req.path, ctx.get("requestId"));
  return new Response(body, { status, headers: { ...Object.fromEntries(headers), ...CONSOLE_HEADERS, "cache-control": "no-store" } });
}

/** A file, or that the client has it already. */
function sent(ctx: HttpContext, { bytes, type, etag, isHashed, encoding }: ConsoleFile): Response {
  const headers = {
    ...CONSOLE_HEADERS,
    etag,
    vary: "accept-encoding",
    "cache-control": isHashed ? IMMUTABLE : "no-cache",
  };
  if (isKnown(ctx.req.header("if-none-match"), etag)) return ctx.body(null, 304, headers);
  return ctx.body(bytes, 200, {
    ...headers,
    "content-type": type,
    "content-length": String(bytes.length),
    ...(encoding !== undefined && { "content-encoding": encoding }),
  });
}

function isKnown(header: string | undefined, etag: string): boolean {
  return header?.split(",").some((known) => known.trim().replace(/^W\//, "") === etag) === true;
}
