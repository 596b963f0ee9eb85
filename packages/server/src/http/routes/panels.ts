import { PANEL_SLOTS } from "@tutti/core/plugin";
import { Hono } from "hono";
import { z } from "zod";
import { panelSchema, type App } from "../../host/index.ts";
import { readJson } from "../body.ts";
import type { HttpEnv } from "../env.ts";
import { operation } from "../openapi.ts";
import { oneOf } from "./run-queries.ts";

const Ask = z.strictObject({
  /** What was entered into the panel's fields. */
  input: z.record(z.string().max(200), z.json()).default({}),
  /** Of `POST /v1/tools/approve`: used when policy asks. */
  approvalId: z.string().min(1).max(200).optional(),
  /** Of a panel over a workflow: whose answer to show, instead of the newest run under way. */
  runId: z.string().min(1).max(200).optional(),
});
const Allowed = z.object({ effect: z.enum(["allow", "ask", "deny", "depends"]), reason: z.string(), rule: z.string() });
const Panel = panelSchema.and(z.object({ plugin: z.string(), version: z.string().nullable(), allowed: Allowed }));
const scalar = z.union([z.string(), z.number(), z.boolean(), z.null()]);
const Content = z.discriminatedUnion("view", [
  z.object({ view: z.literal("stat"), value: scalar, change: z.number().nullable() }),
  z.object({ view: z.literal("table"), rows: z.array(z.record(z.string(), scalar)), rowsTotal: z.int() }),
  z.object({
    view: z.literal("chart"),
    points: z.array(z.object({ x: z.union([z.string(), z.number()]), y: z.record(z.string(), z.number().nullable()) })),
    pointsTotal: z.int(),
  }),
  z.object({
    view: z.literal("timeline"),
    entries: z.array(z.object({ time: z.string(), until: z.string().nullable(), label: z.string(), detail: z.string().nullable() })),
    entriesTotal: z.int(),
  }),
  z.object({ view: z.literal("form"), output: z.json() }),
  z.object({ view: z.literal("markdown"), text: z.string() }),
]);
const Data = z.object({ plugin: z.string(), panel: z.string(), at: z.string(), runId: z.string().nullable(), content: Content });

/** Panels of the console that plugins bring, and what they show. */
export function panelRoutes(app: App): Hono<HttpEnv> {
  const routes = new Hono<HttpEnv>();
  routes.get(
    "/v1/panels",
    operation({
      tag: "Plugins",
      summary: "Panels that plugins bring to the console: where they stand, what feeds them, how that is shown",
      query: { slot: `One of ${PANEL_SLOTS.join(", ")}; all unless given` },
      response: z.object({ panels: z.array(Panel) }),
    }),
    (ctx) => ctx.json({ panels: app.panels.list(ctx.get("principal"), oneOf(ctx, "slot", PANEL_SLOTS)) }),
  );
  routes.post(
    "/v1/panels/:plugin/:panel/data",
    operation({
      tag: "Plugins",
      summary: "What a panel shows now; what feeds it is called as you, and decided as your own call",
      body: Ask,
      response: Data,
    }),
    async (ctx) => {
      const { plugin, panel } = ctx.req.param();
      const ask = await readJson(ctx, Ask, app.config);
      const data = await app.panels.data({ plugin, panel, principal: ctx.get("principal"), ...ask }, ctx.req.raw.signal);
      if (data.runId !== null) ctx.header("tutti-run-id", data.runId);
      return ctx.json(data);
    },
  );
  return routes;
}
