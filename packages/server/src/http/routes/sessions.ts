import { AppError } from "@tutti/core";
import { Hono } from "hono";
import { z } from "zod";
import { csrfTokenOf, hasToken, sessionCookie, sessionSecretIn } from "../../auth/index.ts";
import type { App } from "../../host/index.ts";
import { readJson } from "../body.ts";
import type { HttpContext, HttpEnv } from "../env.ts";
import { admit } from "../guard.ts";
import { operation } from "../openapi.ts";

const SignIn = z.union([z.strictObject({ token: z.string().min(1).max(512) }), z.strictObject({ code: z.string().min(1).max(512) })]);
const Session = z.object({ id: z.string(), createdAt: z.string(), expiresAt: z.string(), agent: z.string() });
const SignedIn = z.object({ isSignedIn: z.literal(true), session: Session, csrfToken: z.string() });
/** Without a session somebody is in by a token, or because none is asked for. */
const Who = z.object({ isSignedIn: z.boolean(), session: Session.nullable(), csrfToken: z.string().nullable() });

const Rotate = z.strictObject({ endSessions: z.boolean().default(false) });

/** Browsers sign in once with the token, or with a one-time code, and keep a cookie that no script can read. */
export function sessionRoutes(app: App): Hono<HttpEnv> {
  const { sessions } = app;
  const routes = new Hono<HttpEnv>();
  routes.post(
    "/v1/session",
    operation({ tag: "Sessions", summary: "Sign a browser in", body: SignIn, response: SignedIn, status: 201, isOpen: true }),
    async (ctx) => {
      requireOwner(app, await readJson(ctx, SignIn, app.config));
      const held = sessionSecretIn(ctx.env.incoming.headers);
      const replaced = held === undefined ? undefined : sessions.find(held);
      const { session, secret } = await sessions.begin(ctx.req.header("user-agent") ?? "");
      // Its cookie is overwritten: nobody could sign it out from this browser any more.
      if (replaced !== undefined) await sessions.end(replaced.id);
      ctx.header("set-cookie", cookie(app, ctx, secret));
      return ctx.json({ isSignedIn: true, session, csrfToken: csrfTokenOf(secret) }, 201);
    },
  );
  routes.get(
    "/v1/session",
    operation({ tag: "Sessions", summary: "Whether this browser is signed in, and its session", response: Who, isOpen: true }),
    (ctx) => {
      const { headers } = ctx.env.incoming;
      ctx.header("cache-control", "no-store");
      if (!isIn(app, ctx)) return ctx.json({ isSignedIn: false, session: null, csrfToken: null });
      const secret = sessionSecretIn(headers);
      const session = secret === undefined ? undefined : sessions.find(secret);
      if (secret === undefined || session === undefined) return ctx.json({ isSignedIn: true, session: null, csrfToken: null });
      return ctx.json({ isSignedIn: true, session, csrfToken: csrfTokenOf(secret) });
    },
  );
  routes.delete("/v1/session", operation({ tag: "Sessions", summary: "Sign this browser out", status: 204 }), async (ctx) => {
    const secret = sessionSecretIn(ctx.env.incoming.headers);
    const session = secret === undefined ? undefined : sessions.find(secret);
    if (session !== undefined) await sessions.end(session.id);
    ctx.header("set-cookie", cookie(app, ctx, undefined));
    return ctx.body(null, 204);
  });
  routes.get(
    "/v1/sessions",
    operation({ tag: "Sessions", summary: "All signed-in browsers", response: z.object({ sessions: z.array(Session) }) }),
    (ctx) => ctx.json({ sessions: sessions.list() }),
  );
  routes.delete("/v1/sessions/:id", operation({ tag: "Sessions", summary: "Sign a browser out", status: 204 }), async (ctx) => {
    await sessions.end(ctx.req.param("id"));
    return ctx.body(null, 204);
  });
  routes.post(
    "/v1/sessions/invitations",
    operation({
      tag: "Sessions",
      summary: "A code that signs in one browser, once, within ten minutes, and the page that takes it",
      response: z.object({ code: z.string(), signInUrl: z.string() }),
      status: 201,
    }),
    (ctx) => {
      const code = sessions.invite();
      // A page knows by which name and over what it was reached; a proxy may have taken the TLS away before us.
      return ctx.json({ code, signInUrl: signInUrl(app, { url: ctx.req.header("origin") ?? new URL(ctx.req.url).origin, code }) }, 201);
    },
  );
  addRotate(routes, app);
  return routes;
}

function addRotate(routes: Hono<HttpEnv>, app: App): void {
  const { sessions } = app;
  routes.post(
    "/v1/token/rotate",
    operation({
      tag: "Sessions",
      summary: "A new token in the place of the old one, which opens nothing any more; told this once",
      body: Rotate,
      response: z.object({ token: z.string(), sessionsEnded: z.int() }),
    }),
    async (ctx) => {
      const { endSessions } = await readJson(ctx, Rotate, app.config);
      if (app.ownerToken === undefined)
        throw new AppError("conflict", "wanted a server that asks for a token, got one that lets everybody in; set TUTTI_AUTH=token");
      const recorded = app.engine.record(
        { workflow: "tutti.admin", action: "admin", kind: "step", name: "token-rotate", input: { endSessions } },
        ctx.get("principal"),
      );
      const token = await app.ownerToken.rotate();
      const ended = endSessions ? sessions.list() : [];
      for (const { id } of ended) await sessions.end(id);
      await recorded.complete({ sessionsEnded: ended.length });
      return ctx.json({ token, sessionsEnded: ended.length });
    },
  );
}

/** The page that signs a browser in. A fragment is sent to no server and stands in no log. */
export function signInUrl({ config }: App, { url, code }: { readonly url: string; readonly code: string }): string {
  return `${url}${config.publicPath}/admin/#code=${code}`;
}

/** Throws `unauthorized` for a token or code that is not good, and for keys: they are for programs. */
function requireOwner(app: App, shown: z.infer<typeof SignIn>): void {
  if ("code" in shown) {
    if (!app.sessions.redeem(shown.code))
      throw new AppError("unauthorized", "wanted a code that is good, got one that was used, is older than ten minutes, or never was one");
    return;
  }
  const principal = app.authenticate({ authorization: `Bearer ${shown.token}` });
  if (!principal.roles.includes("owner")) throw new AppError("unauthorized", "wanted the owner's token, got a key; keys are for programs");
}

/** Whether whoever asks is in. Showing nothing, or a session that has ended, is no failure here; a wrong token is one. */
function isIn(app: App, { env: { incoming } }: HttpContext): boolean {
  try {
    admit(app, "GET", incoming);
    return true;
  } catch (thrown) {
    if (AppError.from(thrown).code === "unauthorized" && !hasToken(incoming.headers)) return false;
    throw thrown;
  }
}

/** A page that came over TLS keeps its cookie there. */
function cookie({ config: { publicPath } }: App, ctx: HttpContext, secret: string | undefined): string {
  const { host, origin } = ctx.env.incoming.headers;
  return sessionCookie(secret, { publicPath, host, isSecure: origin?.startsWith("https://") === true });
}
