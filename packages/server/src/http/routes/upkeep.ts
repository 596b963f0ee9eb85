import { AppError } from "@tutti/core";
import { Hono } from "hono";
import { z } from "zod";
import type { App } from "../../host/index.ts";
import { readJson } from "../body.ts";
import type { HttpEnv } from "../env.ts";
import { operation } from "../openapi.ts";

const Prune = z.object({ days: z.number().min(0).max(36_500), archive: z.boolean().default(false), dry: z.boolean().default(false) });
const Pruned = z.object({ runs: z.int(), values: z.int(), archive: z.string().nullable() });

/** Keeping the store small. */
export function upkeepRoutes(app: App): Hono<HttpEnv> {
  const routes = new Hono<HttpEnv>();
  routes.post(
    "/v1/prune",
    operation({ tag: "Runs", summary: "Archive and remove runs that ended long ago", body: Prune, response: Pruned }),
    async (ctx) => {
      const { days, archive, dry } = await readJson(ctx, Prune, app.config);
      const { archiveDir } = app.config;
      if (archive && archiveDir === undefined)
        throw new AppError(
          "invalid_input",
          "wanted a folder for the archive, got none; set TUTTI_ARCHIVE_DIR, or prune without an archive",
        );
      const step = { workflow: "tutti.admin", action: "admin", kind: "step", name: "prune", input: { days, archive, dry } } as const;
      const recorded = app.engine.record(step, ctx.get("principal"));
      try {
        const pruned = await app.retention.prune({ days, isDry: dry, ...(archive && { archiveDir }) });
        await recorded.complete({ ...pruned });
        return ctx.json(pruned);
      } catch (thrown) {
        const { code, message } = AppError.from(thrown);
        await recorded.fail(code, message);
        throw thrown;
      }
    },
  );
  return routes;
}
