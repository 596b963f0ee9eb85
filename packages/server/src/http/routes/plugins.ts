import { resolve } from "node:path";
import { AppError, type Principal } from "@tutti/core";
import { Hono } from "hono";
import { z } from "zod";
import { requireInside, type App } from "../../host/index.ts";
import { readJson } from "../body.ts";
import type { HttpEnv } from "../env.ts";
import { operation } from "../openapi.ts";
import { FolderPlugin, FolderPluginDetails, OnePlugin, PluginList, PluginShape, Removed } from "../shapes/tools.ts";

const Add = z.object({ path: z.string().min(1).max(4096), isolated: z.boolean().default(false) });
const Enable = z.object({ shown: z.array(z.string().max(4096)).max(1000).exactOptional() });

/** Plugins: those in Tutti's own process, and those of the plugins folder, each in a process of its own. */
export function pluginRoutes(app: App): Hono<HttpEnv> {
  const { registry, folder } = app;
  const routes = new Hono<HttpEnv>();
  routes.get(
    "/v1/plugins",
    operation({
      tag: "Plugins",
      summary: "Loaded plugins, those that did not load, and those of the plugins folder",
      response: PluginList,
    }),
    async (ctx) => ctx.json({ plugins: registry.plugins, failures: app.pluginFailures, folder: await folder.list() }),
  );
  routes.post(
    "/v1/plugins",
    operation({
      tag: "Plugins",
      summary: "Load a plugin into Tutti's own process, or copy it to the plugins folder (isolated); paths inside the server's own folder",
      response: z.object({ plugin: z.union([PluginShape, FolderPlugin]) }),
      body: Add,
      status: 201,
    }),
    async (ctx) => {
      const { path, isolated } = await readJson(ctx, Add, app.config);
      if (!isolated) return ctx.json({ plugin: await app.enablePlugin(path, ctx.get("principal")) }, 201);
      requireAdmin(app, ctx.get("principal"));
      await requireInside(app.baseDir, path);
      return ctx.json({ plugin: await folder.add(resolve(app.baseDir, path)) }, 201);
    },
  );
  routes.get(
    "/v1/plugins/:name",
    operation({
      tag: "Plugins",
      summary: "One plugin of the folder: what it asks for, what it brings, what it printed last",
      response: z.object({ plugin: FolderPluginDetails }),
    }),
    async (ctx) => ctx.json({ plugin: await folder.show(ctx.req.param("name")) }),
  );
  routes.post(
    "/v1/plugins/:name/enable",
    operation({ tag: "Plugins", summary: "Grant what a plugin of the folder asks for, and load it", response: OnePlugin, body: Enable }),
    async (ctx) => {
      const name = ctx.req.param("name");
      const { shown } = await readJson(ctx, Enable, app.config);
      return ctx.json({ plugin: await folder.enable(name, { principal: ctx.get("principal"), shown }) });
    },
  );
  routes.post(
    "/v1/plugins/:name/disable",
    operation({ tag: "Plugins", summary: "Unload a plugin of the folder until it is enabled again", response: OnePlugin }),
    async (ctx) => ctx.json({ plugin: await folder.disable(ctx.req.param("name"), ctx.get("principal")) }),
  );
  routes.delete(
    "/v1/plugins/:name",
    operation({
      tag: "Plugins",
      summary: "Unload a plugin of the folder, and delete its folder, its grant and what it kept",
      response: Removed,
    }),
    async (ctx) => {
      const name = ctx.req.param("name");
      await folder.remove(name, ctx.get("principal"));
      return ctx.json({ removed: name });
    },
  );
  return routes;
}

/** Copying files to the plugins folder runs nothing yet; enabling does, and is decided and recorded by itself. */
function requireAdmin({ registry }: App, principal: Principal): void {
  const decision = registry.decide({ kind: "plugin.enable", principal, resource: "add" });
  if (decision.effect !== "allow") throw new AppError("denied", `adding a plugin was refused by rule ${decision.rule}: ${decision.reason}`);
}
