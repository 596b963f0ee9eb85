import { AppError, type Json } from "@tutti/core";
import { Hono } from "hono";
import { z } from "zod";
import type { App } from "../../host/index.ts";
import { readJson } from "../body.ts";
import type { HttpEnv } from "../env.ts";
import { operation } from "../openapi.ts";
import { json } from "../shapes/values.ts";

/** Views that are kept, and how large one may be. */
const VIEWS_MAX = 200;
const VIEW_CHARACTERS_MAX = 65_536;
const PREFIX = "view.";
const NAME = /^[\p{L}\p{N}][\p{L}\p{N} ._:-]{0,99}$/u;

const View = z.object({ name: z.string(), value: json, savedAt: z.string() });
const Save = z.strictObject({ value: z.json() });

/** Views that people save: filters, columns, queries, as the page that they are of wants them. Each is a setting of the store. */
export function viewRoutes(app: App): Hono<HttpEnv> {
  const { store } = app;
  const routes = new Hono<HttpEnv>();
  routes.get(
    "/v1/views",
    operation({ tag: "Views", summary: "All saved views", response: z.object({ views: z.array(View) }) }),
    async (ctx) =>
      ctx.json({ views: (await store.settings(PREFIX, VIEWS_MAX)).map(({ name, value }) => shown(name.slice(PREFIX.length), value)) }),
  );
  routes.get("/v1/views/:name", operation({ tag: "Views", summary: "One saved view", response: View }), async (ctx) => {
    const name = ctx.req.param("name");
    const value = await store.getSetting(settingOf(name));
    if (value === undefined)
      throw new AppError("not_found", `wanted a saved view, got "${name}", which is none; \`GET /v1/views\` lists them`);
    return ctx.json(shown(name, value));
  });
  routes.put(
    "/v1/views/:name",
    operation({ tag: "Views", summary: "Save a view, in the place of one of that name", body: Save, response: View }),
    async (ctx) => {
      const name = ctx.req.param("name");
      const setting = settingOf(name);
      const { value } = await readJson(ctx, Save, app.config);
      const { length } = JSON.stringify(value);
      if (length > VIEW_CHARACTERS_MAX)
        throw new AppError("too_large", `wanted a view of at most ${VIEW_CHARACTERS_MAX} characters of JSON, got ${length}`);
      const isNew = (await store.getSetting(setting)) === undefined;
      if (isNew && (await store.settings(PREFIX, VIEWS_MAX)).length >= VIEWS_MAX)
        throw new AppError("conflict", `wanted at most ${VIEWS_MAX} saved views, got one more; delete some`);
      const kept = { value, savedAt: new Date().toISOString() };
      await store.setSetting(setting, kept);
      return ctx.json(shown(name, kept));
    },
  );
  routes.delete("/v1/views/:name", operation({ tag: "Views", summary: "Delete a view", status: 204 }), async (ctx) => {
    await store.deleteSetting(settingOf(ctx.req.param("name")));
    return ctx.body(null, 204);
  });
  return routes;
}

function settingOf(name: string): string {
  if (NAME.test(name)) return `${PREFIX}${name}`;
  throw new AppError(
    "invalid_input",
    `wanted a name of 1 to 100 letters, digits, spaces and . _ : -, got ${JSON.stringify(name.slice(0, 100))}`,
  );
}

function shown(name: string, kept: Json): z.output<typeof View> {
  const { value, savedAt } = kept as { readonly value: Json; readonly savedAt: string };
  return { name, value, savedAt };
}
