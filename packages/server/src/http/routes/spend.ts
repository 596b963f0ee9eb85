import { AppError } from "@tutti/core";
import { Hono } from "hono";
import type { App } from "../../host/index.ts";
import { DIMENSIONS, type Dimension, type LedgerRow } from "../../models/index.ts";
import type { HttpContext, HttpEnv } from "../env.ts";
import { operation } from "../openapi.ts";
import { oneOf } from "./run-queries.ts";
import { Spend } from "../shapes/models.ts";

const DAY = /^\d{4}-\d{2}-\d{2}$/;
const DAY_MS = 86_400_000;
const DAYS = 30;
const SUMS = [
  "requests",
  "inputTokens",
  "outputTokens",
  "cacheReadTokens",
  "cacheWriteTokens",
  "reasoningTokens",
  "costUsd",
  "estimated",
  "unpriced",
] as const;

/** The ledger: what was spent, by whom and on what, as the event log has it. */
export function spendRoutes(app: App): Hono<HttpEnv> {
  const routes = new Hono<HttpEnv>();
  routes.get(
    "/v1/spend",
    operation({
      tag: "Keys",
      summary: "What was spent, in tokens and US dollars",
      response: Spend,
      mediaType: "text/csv",
      query: {
        by: `one or more of ${DIMENSIONS.join(", ")}, with commas between; key unless given`,
        from: `the first day in UTC, as in 2026-11-21; ${DAYS} days back unless given`,
        to: "the last day; today unless given",
        format: "json or csv",
      },
    }),
    async (ctx) => {
      const format = oneOf(ctx, "format", ["json", "csv"]) ?? "json";
      const by = dimensionsOf(ctx.req.query("by") ?? "key");
      const from = dayOf(ctx, "from", (DAYS - 1) * DAY_MS);
      const to = dayOf(ctx, "to", 0);
      const rows = await app.budgets.spent({ by, from, to });
      if (format === "json") return ctx.json({ by, from, to, rows });
      return ctx.text(csv(by, rows), 200, { "content-type": "text/csv; charset=utf-8; header=present" });
    },
  );
  return routes;
}

function dimensionsOf(text: string): readonly Dimension[] {
  const asked = text.split(",");
  const known = DIMENSIONS.filter((dimension) => asked.includes(dimension));
  if (known.length !== asked.length)
    throw new AppError("invalid_input", `wanted by to be one or more of ${DIMENSIONS.join(", ")}, each once, got "${text.slice(0, 100)}"`);
  return asked.flatMap((one) => known.filter((dimension) => dimension === one));
}

function dayOf(ctx: HttpContext, name: string, backMs: number): string {
  const text = ctx.req.query(name);
  if (text === undefined) return new Date(Date.now() - backMs).toISOString().slice(0, 10);
  if (DAY.test(text) && !Number.isNaN(Date.parse(text))) return text;
  throw new AppError("invalid_input", `wanted ${name} to be a day as in 2026-11-21, got "${text.slice(0, 40)}"`);
}

/** CSV (RFC 4180). A text that a spreadsheet would take for a formula gets an apostrophe before it. */
function csv(by: readonly Dimension[], rows: readonly LedgerRow[]): string {
  const lines = rows.map((row) => [...by.map((dimension) => quoted(row[dimension] ?? "")), ...SUMS.map((sum) => String(row[sum]))]);
  return [[...by, ...SUMS], ...lines].map((line) => `${line.join(",")}\r\n`).join("");
}

function quoted(text: string): string {
  const safe = /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
