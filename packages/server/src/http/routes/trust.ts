import { createHash } from "node:crypto";
import { redact, verifyChain, type ChainVerdict, type Json, type RunRecord } from "@tutti/core";
import { Hono } from "hono";
import type { App } from "../../host/index.ts";
import type { HttpEnv } from "../env.ts";
import { operation } from "../openapi.ts";
import { findRun, readAll, wholeNumber, yesOrNo } from "./run-queries.ts";
import { Receipt, Trace, TrustPage, Verdict } from "../shapes/runs.ts";

const ALGORITHM =
  "SHA-256 over the previous hash, a line feed and the event's canonical JSON (RFC 8785) without its hash; 64 zeros come first";

/** Receipts: what happened, redacted for people, and whether the log is whole. */
export function trustRoutes(app: App): Hono<HttpEnv> {
  const routes = new Hono<HttpEnv>();
  routes.get(
    "/v1/runs/:id/receipt",
    operation({
      tag: "Trust",
      summary: "A run's receipt: its events, redacted unless full=true, and the verdict on its hash chain",
      response: Receipt,
      query: { full: "true: unredacted, so that the chain can be verified elsewhere" },
    }),
    async (ctx) => {
      const run = await findRun(app, ctx.req.param("id"));
      const { events, verdict } = await receiptOf(app, run);
      const shown = yesOrNo(ctx, "full") ? events : events.map((event) => redactEvent(event as unknown as Json));
      return ctx.json({ run, algorithm: ALGORITHM, head: run.head, verdict, events: shown });
    },
  );
  routes.get(
    "/v1/trust/events",
    operation({
      tag: "Trust",
      summary: "All runs' events in the order they were journaled, redacted",
      response: TrustPage,
      query: { after: "only events after this position", limit: "1 to 1000" },
    }),
    async (ctx) => {
      const log = await app.store.log({
        afterPosition: wholeNumber(ctx, "after", { min: 0, max: Number.MAX_SAFE_INTEGER, fallback: 0 }),
        limit: wholeNumber(ctx, "limit", { min: 1, max: 1000, fallback: 100 }),
      });
      return ctx.json({
        events: log.map(({ position, event }) => ({ position, event: redactEvent(event as unknown as Json) })),
        nextAfter: log.at(-1)?.position ?? null,
      });
    },
  );
  routes.get("/v1/trust/trace/:id", operation({ tag: "Trust", summary: "One run's events, redacted", response: Trace }), async (ctx) => {
    const run = await findRun(app, ctx.req.param("id"));
    return ctx.json({ run, events: (await readAll(app, run.id)).map((event) => redactEvent(event as unknown as Json)) });
  });
  routes.get(
    "/v1/trust/verify/:id",
    operation({ tag: "Trust", summary: "Whether a run's log is what was journaled", response: Verdict }),
    async (ctx) => {
      const { verdict } = await receiptOf(app, await findRun(app, ctx.req.param("id")));
      return ctx.json(verdict);
    },
  );
  return routes;
}

/** A run's events, and the verdict on their hash chain. */
export async function receiptOf(
  app: App,
  run: RunRecord,
): Promise<{ readonly events: Awaited<ReturnType<typeof readAll>>; readonly verdict: ChainVerdict }> {
  const events = await readAll(app, run.id);
  return { events, verdict: verifyChain(events, run.head, (text) => createHash("sha256").update(text).digest("hex")) };
}

/** Hashes and ids are long numbers, not card numbers: only what people and models wrote is masked. */
/** An event for people: what they and models wrote is masked where it is secret. */
export function redactEvent(event: Json): Json {
  if (typeof event !== "object" || event === null || Array.isArray(event)) return event;
  return Object.fromEntries(Object.entries(event).map(([key, value]) => [key, KEPT.has(key) ? value : redact(value)]));
}

const KEPT: ReadonlySet<string> = new Set([
  "at",
  "attempt",
  "durationMs",
  "hash",
  "key",
  "kind",
  "policyHash",
  "retryAt",
  "runId",
  "seq",
  "startedAt",
  "type",
  "until",
]);
