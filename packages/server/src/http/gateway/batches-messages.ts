import type { FileHandle } from "node:fs/promises";
import { AppError, type Json } from "@tutti/core";
import { Hono } from "hono";
import { z } from "zod";
import { isUnderWay, type App, type Batch } from "../../host/index.ts";
import { readJson } from "../body.ts";
import type { HttpEnv } from "../env.ts";
import { operation } from "../openapi.ts";
import { wholeNumber } from "../routes/run-queries.ts";
import { MessageBatch, MessageBatchList } from "../shapes/foreign.ts";

const ENDPOINT = "/v1/messages";
const LIMIT = { min: 1, max: 100, fallback: 20 } as const;
const OWN_PREFIX = "msgbatch_";

/** What Anthropic takes. */
const createSchema = z.object({
  requests: z
    .array(z.object({ custom_id: z.string().regex(/^[\w-]{1,64}$/), params: z.record(z.string(), z.json()) }))
    .min(1)
    .max(50_000)
    .refine((requests) => new Set(requests.map((item) => item.custom_id)).size === requests.length, "a custom_id of its own for each"),
});

/** Batches as Anthropic's API has them: the same batches, in its words. */
export function messageBatchRoutes(app: App): Hono<HttpEnv> {
  const { batches } = app;
  const routes = new Hono<HttpEnv>();
  routes.post(
    "/v1/messages/batches",
    operation({ tag: "Models", summary: "Ask models many messages requests (Anthropic)", response: MessageBatch, body: createSchema }),
    async (ctx) => {
      const { requests } = await readJson(ctx, createSchema, { ...app.config, requestBytesMax: app.config.uploadBytesMax });
      const lines = requests.map(
        (item) => `${JSON.stringify({ custom_id: item.custom_id, method: "POST", url: ENDPOINT, body: item.params })}\n`,
      );
      const principal = ctx.get("principal");
      const file = await batches.files.put(principal.tenant, { name: "message-batch.jsonl", purpose: "batch" }, lines);
      const batch = await batches.create({ input_file_id: file.id, endpoint: ENDPOINT, completion_window: "24h" }, principal);
      return ctx.json(shown({ ...batch, request_counts: { total: requests.length, completed: 0, failed: 0 } }));
    },
  );
  routes.get(
    "/v1/messages/batches",
    operation({
      tag: "Models",
      summary: "Batches of messages requests, newest first (Anthropic)",
      response: MessageBatchList,
      query: { after_id: "only batches after this one", limit: "1 to 100, 20 unless given" },
    }),
    async (ctx) => {
      const filter = { after: ctx.req.query("after_id"), limit: wholeNumber(ctx, "limit", LIMIT), keep: isOfMessages };
      const { batches: found, hasMore } = await batches.list(filter, ctx.get("principal"));
      const data = found.map(shown);
      return ctx.json({ data, has_more: hasMore, first_id: data[0]?.id ?? null, last_id: data.at(-1)?.id ?? null });
    },
  );
  routes.get(
    "/v1/messages/batches/:id",
    operation({ tag: "Models", summary: "One batch of messages requests (Anthropic)", response: MessageBatch }),
    async (ctx) => ctx.json(shown(await batches.get(ctx.req.param("id"), ctx.get("principal")))),
  );
  routes.post(
    "/v1/messages/batches/:id/cancel",
    operation({ tag: "Models", summary: "Stop a batch (Anthropic)", response: MessageBatch }),
    async (ctx) => ctx.json(shown(await batches.cancel(ctx.req.param("id"), ctx.get("principal")))),
  );
  routes.get(
    "/v1/messages/batches/:id/results",
    operation({ tag: "Models", summary: "The answers of a batch, one a line (Anthropic)", mediaType: "application/x-jsonl" }),
    async (ctx) => {
      const { tenant } = ctx.get("principal");
      const batch = await batches.get(ctx.req.param("id"), ctx.get("principal"));
      if (isUnderWay(batch))
        throw new AppError("conflict", `wanted a batch that has ended, got one that is ${batch.status}; its results are there once it has`);
      const fileIds = [batch.output_file_id, batch.error_file_id].flatMap((id) => id ?? []);
      // Opened before the answer begins, so that a file that is gone is told of.
      const files = await Promise.all(fileIds.map((id) => batches.files.open(tenant, id)));
      return new Response(ReadableStream.from(resultsIn(files)), { headers: { "content-type": "application/x-jsonl" } });
    },
  );
  return routes;
}

function isOfMessages({ endpoint }: Batch): boolean {
  return endpoint === ENDPOINT;
}

/** A batch in Anthropic's words. */
function shown(batch: Batch): { readonly id: string } & { readonly [key: string]: Json } {
  const { total, completed, failed } = batch.request_counts;
  const id = batch.id.replace(/^batch_/, OWN_PREFIX);
  const isGoingOn = isUnderWay(batch);
  const rest = total - completed - failed;
  const endedAt = batch.completed_at ?? batch.cancelled_at ?? batch.expired_at ?? batch.failed_at;
  return {
    id,
    type: "message_batch",
    processing_status: batch.status === "cancelling" ? "canceling" : isGoingOn ? "in_progress" : "ended",
    request_counts: {
      processing: isGoingOn ? rest : 0,
      succeeded: completed,
      errored: batch.status === "failed" ? total : failed,
      canceled: batch.status === "cancelled" ? rest : 0,
      expired: batch.status === "expired" ? rest : 0,
    },
    created_at: time(batch.created_at),
    expires_at: time(batch.expires_at),
    ended_at: time(endedAt),
    cancel_initiated_at: time(batch.cancelling_at),
    archived_at: null,
    results_url: isGoingOn ? null : `/v1/messages/batches/${id}/results`,
  };
}

function time(seconds: number | null): string | null {
  return seconds === null ? null : new Date(seconds * 1000).toISOString();
}

async function* resultsIn(files: readonly FileHandle[]): AsyncGenerator<Uint8Array> {
  try {
    for (const file of files) {
      for await (const line of file.readLines({ autoClose: false }))
        yield Buffer.from(line === "" ? "" : `${JSON.stringify(resultOf(line))}\n`);
    }
  } finally {
    await Promise.all(files.map((file) => file.close()));
  }
}

interface OutputLine {
  readonly custom_id: string;
  readonly response: { readonly status_code: number; readonly body: Json } | null;
  readonly error: { readonly code: string } | null;
}

/** A line of our own files as Anthropic writes it. */
function resultOf(text: string): Json {
  const { custom_id: customId, response, error } = JSON.parse(text) as OutputLine;
  if (response === null) return { custom_id: customId, result: { type: error?.code === "batch_expired" ? "expired" : "canceled" } };
  if (response.status_code < 300) return { custom_id: customId, result: { type: "succeeded", message: response.body } };
  return { custom_id: customId, result: { type: "errored", error: response.body } };
}
