import { AppError, type Json } from "@tutti/core";
import { Hono } from "hono";
import { z } from "zod";
import type { NewKey, VirtualKey } from "../../auth/index.ts";
import { limitsSchema } from "../../host/config/index.ts";
import type { App } from "../../host/index.ts";
import { readJson } from "../body.ts";
import type { HttpContext, HttpEnv } from "../env.ts";
import { operation } from "../openapi.ts";

const GRACE_MS = 86_400_000;
const GRACE_MS_MAX = 30 * 86_400_000;

const name = z.string().min(1).max(200);
const settings = {
  name,
  user: name.optional(),
  team: name.optional(),
  models: z.array(z.string().min(1).max(256)).max(100).optional(),
  limits: limitsSchema.default({}),
  tags: z.array(z.string().min(1).max(100)).max(20).optional(),
  expiresAt: z.iso.datetime({ offset: true }).optional(),
};
const Create = z.strictObject({ ...settings, tenant: name.optional() });
const Update = z.strictObject({
  name: name.optional(),
  user: name.nullish(),
  team: name.nullish(),
  models: settings.models.nullable(),
  limits: limitsSchema.optional(),
  tags: settings.tags.nullable(),
  expiresAt: settings.expiresAt.nullable(),
});
const Rotate = z.strictObject({ graceMs: z.int().min(0).max(GRACE_MS_MAX).default(GRACE_MS) });
const Revoke = z.strictObject({});
const Key = z.object({
  ...settings,
  id: z.string(),
  tenant: z.string(),
  status: z.enum(["active", "revoked", "expired"]),
  createdAt: z.string(),
  rotatedAt: z.string().optional(),
  revokedAt: z.string().optional(),
});
const BudgetLeft = z.object({
  of: z.string(),
  per: z.string(),
  usd: z.object({ limit: z.number(), spent: z.number() }).optional(),
  tokens: z.object({ limit: z.number(), spent: z.number() }).optional(),
  endsAt: z.string().optional(),
});
const KeyWithBudgets = Key.extend({ budgets: z.array(BudgetLeft) });
const WithSecret = z.object({ key: Key, secret: z.string() });

/** Keys to the gateway. Only the owner makes and changes them; each act is in the log, without secrets. */
export function keyRoutes(app: App): Hono<HttpEnv> {
  const routes = new Hono<HttpEnv>();
  addReads(routes, app);
  addActs(routes, app);
  return routes;
}

function entry({ keys }: App, key: VirtualKey): Json {
  return { ...key, status: keys.statusOf(key) } as unknown as Json;
}

/** One key, with what its budgets have left. */
function entryWithBudgets(app: App, key: VirtualKey): Json {
  const { user, team, limits } = key;
  const payer = { keyId: key.id, limits, ...(user !== undefined && { user }), ...(team !== undefined && { team }) };
  return { ...(entry(app, key) as object), budgets: app.budgets.left(payer) as unknown as Json };
}

function addReads(routes: Hono<HttpEnv>, app: App): void {
  const { keys } = app;
  routes.get(
    "/v1/keys",
    operation({ tag: "Keys", summary: "All keys, without their secrets", response: z.object({ keys: z.array(Key) }) }),
    (ctx) => ctx.json({ keys: keys.list().map((key) => entry(app, key)) }),
  );
  routes.get(
    "/v1/keys/current",
    operation({ tag: "Keys", summary: "The key that asks, and what its budgets have left", response: z.object({ key: KeyWithBudgets }) }),
    (ctx) => {
      const key = keys.keyOf(ctx.get("principal"));
      if (key === undefined) throw new AppError("not_found", "wanted a request with a key, got one with the owner's token");
      return ctx.json({ key: entryWithBudgets(app, key) });
    },
  );
  routes.get(
    "/v1/keys/:id",
    operation({ tag: "Keys", summary: "One key, and what its budgets have left", response: z.object({ key: KeyWithBudgets }) }),
    (ctx) => ctx.json({ key: entryWithBudgets(app, keys.show(ctx.req.param("id"))) }),
  );
}

function addActs(routes: Hono<HttpEnv>, app: App): void {
  const { keys } = app;
  const created = ({ key, secret }: NewKey): KeyAnswer => ({ key: entry(app, key), secret });
  routes.post(
    "/v1/keys",
    operation({ tag: "Keys", summary: "Make a key; its secret is told this once", body: Create, response: WithSecret, status: 201 }),
    async (ctx) => {
      const { tenant, ...wanted } = await readJson(ctx, Create, app.config);
      const work = async (): Promise<KeyAnswer> => created(await keys.create(wanted, tenant));
      return ctx.json(await act(app, ctx, { name: "key.create", input: { ...wanted, tenant } as unknown as Json, work }), 201);
    },
  );
  routes.post(
    "/v1/keys/:id",
    operation({
      tag: "Keys",
      summary: "Change a key; what is left out stays, null takes it away",
      body: Update,
      response: z.object({ key: Key }),
    }),
    async (ctx) => {
      const changes = await readJson(ctx, Update, app.config);
      const id = ctx.req.param("id");
      const work = async (): Promise<KeyAnswer> => ({ key: entry(app, await keys.update(id, changes)) });
      return ctx.json(await act(app, ctx, { name: "key.update", input: { id, changes } as unknown as Json, work }));
    },
  );
  routes.post(
    "/v1/keys/:id/rotate",
    operation({
      tag: "Keys",
      summary: "Give a key another secret; the old one stays good for graceMs, a day unless given",
      body: Rotate,
      response: WithSecret,
    }),
    async (ctx) => {
      const { graceMs } = await readJson(ctx, Rotate, app.config);
      const id = ctx.req.param("id");
      const work = async (): Promise<KeyAnswer> => created(await keys.rotate(id, graceMs));
      return ctx.json(await act(app, ctx, { name: "key.rotate", input: { id, graceMs }, work }));
    },
  );
  routes.post(
    "/v1/keys/:id/revoke",
    operation({ tag: "Keys", summary: "End a key for good", body: Revoke, response: z.object({ key: Key }) }),
    async (ctx) => {
      await readJson(ctx, Revoke, app.config);
      const id = ctx.req.param("id");
      const work = async (): Promise<KeyAnswer> => ({ key: entry(app, await keys.revoke(id)) });
      return ctx.json(await act(app, ctx, { name: "key.revoke", input: { id }, work }));
    },
  );
}

/** A key, and its secret where it is a new one. */
type KeyAnswer = { readonly key: Json; readonly secret?: string };

/** An act of the owner's: decided, done, and in the log with what was asked, without the secret that it may give. */
async function act(app: App, ctx: HttpContext, { name: step, input, work }: Act): Promise<KeyAnswer> {
  const recorded = app.engine.record({ workflow: "tutti.admin", action: "admin", kind: "step", name: step, input }, ctx.get("principal"));
  try {
    const done = await work();
    await recorded.complete({ key: done.key });
    return done;
  } catch (thrown) {
    const { code, message } = AppError.from(thrown);
    await recorded.fail(code, message);
    throw thrown;
  }
}

interface Act {
  readonly name: string;
  readonly input: Json;
  readonly work: () => Promise<KeyAnswer>;
}
