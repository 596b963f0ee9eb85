import { AppError } from "@tutti/core";
import { Hono } from "hono";
import { z } from "zod";
import { csrfTokenOf, sessionCookie, sessionSecretIn } from "../../auth/index.ts";
import type { App } from "../../host/index.ts";
import { readJson } from "../body.ts";
import type { HttpContext, HttpEnv } from "../env.ts";
import { operation } from "../openapi.ts";

const SignIn = z.union([z.strictObject({ token: z.string().min(1).max(512) }), z.strictObject({ code: z.string().min(1).max(512) })]);
const Session = z.object({ id: z.string(), createdAt: z.string(), expiresAt: z.string(), agent: z.string() });
const SignedIn = z.object({ session: Session.nullable(), csrfToken: z.string().nullable() });

/** Browsers sign in once with the token, or with a one-time code, and keep a cookie that no script can read. */
export function sessionRoutes(app: App): Hono<HttpEnv> {
  const { sessions } = app;
  const routes = new Hono<HttpEnv>();
  routes.post(
    "/v1/session",
    operation({ tag: "Sessions", summary: "Sign a browser in", body: SignIn, response: SignedIn, status: 201, isOpen: true }),
    async (ctx) => {
      requireOwner(app, await readJson(ctx, SignIn, app.config));
      const { session, secret } = await sessions.begin(ctx.req.header("user-agent") ?? "");
      ctx.header("set-cookie", cookie(ctx, secret));
      return ctx.json({ session, csrfToken: csrfTokenOf(secret) }, 201);
    },
  );
  routes.get("/v1/session", operation({ tag: "Sessions", summary: "The session of this browser", response: SignedIn }), (ctx) => {
    const secret = sessionSecretIn(ctx.env.incoming.headers);
    const session = secret === undefined ? undefined : sessions.find(secret);
    if (secret === undefined || session === undefined) return ctx.json({ session: null, csrfToken: null });
    return ctx.json({ session, csrfToken: csrfTokenOf(secret) });
  });
  routes.delete("/v1/session", operation({ tag: "Sessions", summary: "Sign this browser out", status: 204 }), async (ctx) => {
    const secret = sessionSecretIn(ctx.env.incoming.headers);
    const session = secret === undefined ? undefined : sessions.find(secret);
    if (session !== undefined) await sessions.end(session.id);
    ctx.header("set-cookie", cookie(ctx, undefined));
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
      summary: "A code that signs in one browser, once, within ten minutes",
      response: z.object({ code: z.string() }),
      status: 201,
    }),
    (ctx) => ctx.json({ code: sessions.invite() }, 201),
  );
  return routes;
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

/** A page that came over TLS keeps its cookie there. */
function cookie(ctx: HttpContext, secret: string | undefined): string {
  return sessionCookie(secret, { isSecure: ctx.req.header("origin")?.startsWith("https://") === true });
}
