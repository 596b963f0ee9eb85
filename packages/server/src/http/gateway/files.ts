import { AppError } from "@tutti/core";
import { Hono } from "hono";
import type { App } from "../../host/index.ts";
import { fieldOf, readForm, valueOf } from "../../models/index.ts";
import { readBytes } from "../body.ts";
import type { HttpEnv } from "../env.ts";
import { operation } from "../openapi.ts";
import { oneOf, wholeNumber } from "../routes/run-queries.ts";
import { DeletedObject, FileForm, FileList, FileShape } from "../shapes/foreign.ts";

const LIMIT = { min: 1, max: 10_000, fallback: 10_000 } as const;
/** OpenAI keeps the files of batches for 30 days unless it is told otherwise. */
const EXPIRES_S = { min: 3_600, max: 2_592_000, fallback: 2_592_000 } as const;
const NAME_CHARS_MAX = 255;

/** Files of batches, as OpenAI's API has them: those that clients upload, and those that batches write. */
export function fileRoutes(app: App): Hono<HttpEnv> {
  const { files } = app.batches;
  const routes = new Hono<HttpEnv>();
  routes.post(
    "/v1/files",
    operation({
      tag: "Models",
      summary: "Upload a file for a batch; the form is OpenAI's",
      response: FileShape,
      body: FileForm,
      bodyMediaType: "multipart/form-data",
    }),
    async (ctx) => {
      const { incoming } = ctx.env;
      const form = readForm(await readBytes(incoming, app.config.uploadBytesMax), incoming.headers["content-type"]);
      const file = form.parts.find(({ name }) => name === "file");
      if (file?.fileName === undefined) throw misfit("file", "a file", "none");
      const purpose = fieldOf(form, "purpose");
      if (purpose !== "batch")
        throw new AppError(
          "unsupported",
          `purpose: wanted "batch", which is what files are kept for here, got "${purpose?.slice(0, 100) ?? ""}"`,
          {
            cause: { param: "purpose" },
          },
        );
      const expiresAfterS = expiryOf(fieldOf(form, "expires_after[seconds]"));
      const kept = { name: file.fileName.slice(0, NAME_CHARS_MAX), purpose, expiresAfterS };
      return ctx.json(await files.put(ctx.get("principal").tenant, kept, [valueOf(form, file)]));
    },
  );
  addReads(routes, app);
  return routes;
}

function addReads(routes: Hono<HttpEnv>, app: App): void {
  const { files } = app.batches;
  routes.get(
    "/v1/files",
    operation({
      tag: "Models",
      summary: "The files there are, newest first",
      response: FileList,
      query: {
        purpose: "only files of this purpose",
        after: "only files after this one",
        limit: "1 to 10000, all unless given",
        order: "asc or desc (the newest first), desc unless given",
      },
    }),
    async (ctx) => {
      const { files: found, hasMore } = await files.list(ctx.get("principal").tenant, {
        purpose: ctx.req.query("purpose"),
        after: ctx.req.query("after"),
        limit: wholeNumber(ctx, "limit", LIMIT),
        order: oneOf(ctx, "order", ["asc", "desc"]) ?? "desc",
      });
      return ctx.json({
        object: "list",
        data: found,
        first_id: found[0]?.id ?? null,
        last_id: found.at(-1)?.id ?? null,
        has_more: hasMore,
      });
    },
  );
  routes.get("/v1/files/:id", operation({ tag: "Models", summary: "One file", response: FileShape }), async (ctx) =>
    ctx.json(await files.get(ctx.get("principal").tenant, ctx.req.param("id"))),
  );
  routes.get(
    "/v1/files/:id/content",
    operation({ tag: "Models", summary: "What a file holds", mediaType: "application/jsonl" }),
    async (ctx) => {
      const { tenant } = ctx.get("principal");
      const { bytes } = await files.get(tenant, ctx.req.param("id"));
      const handle = await files.open(tenant, ctx.req.param("id"));
      const headers = { "content-type": "application/jsonl", "content-length": String(bytes) };
      return new Response(handle.readableWebStream({ autoClose: true }) as ReadableStream<Uint8Array>, { headers });
    },
  );
  routes.delete("/v1/files/:id", operation({ tag: "Models", summary: "Delete a file", response: DeletedObject }), async (ctx) => {
    const id = ctx.req.param("id");
    await files.delete(ctx.get("principal").tenant, id);
    return ctx.json({ id, object: "file", deleted: true });
  });
}

function expiryOf(value: string | undefined): number {
  if (value === undefined) return EXPIRES_S.fallback;
  const expiry = Number(value);
  if (Number.isInteger(expiry) && expiry >= EXPIRES_S.min && expiry <= EXPIRES_S.max) return expiry;
  throw misfit("expires_after[seconds]", `a whole number from ${EXPIRES_S.min} to ${EXPIRES_S.max}`, value.slice(0, 100));
}

function misfit(param: string, wanted: string, got: string): AppError {
  return new AppError("invalid_input", `${param}: wanted ${wanted}, got ${got}`, { cause: { param } });
}
