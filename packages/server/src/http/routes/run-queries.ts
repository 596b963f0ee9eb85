import { AppError, type Event, type RunRecord } from "@tutti/core";
import type { App } from "../../host/index.ts";
import type { HttpContext } from "../env.ts";

const PAGE = 1000;

/** The run, or `not_found`. */
export async function findRun(app: App, id: string): Promise<RunRecord> {
  const run = await app.store.run(id);
  if (run === undefined) throw new AppError("not_found", `wanted a run, got "${id}", which is none; \`GET /v1/runs\` lists them`);
  return run;
}

/** All events of a run. */
export async function readAll(app: App, runId: string): Promise<readonly Event[]> {
  const events: Event[] = [];
  for (;;) {
    const page = await app.store.read(runId, { afterSeq: events.length, limit: PAGE });
    events.push(...page);
    if (page.length < PAGE) return events;
  }
}

/** A whole number of the query, or `invalid_input`. */
export function wholeNumber<Fallback extends number | undefined>(
  ctx: HttpContext,
  name: string,
  range: { readonly min: number; readonly max: number; readonly fallback: Fallback },
): number | Fallback {
  const text = ctx.req.query(name);
  if (text === undefined) return range.fallback;
  const value = Number(text);
  if (/^\d{1,16}$/.test(text) && value >= range.min && value <= range.max) return value;
  throw misfit(name, `a whole number from ${range.min} to ${range.max}`, text);
}

/** One of the words that the query may have there, `undefined` when it has none, or `invalid_input`. */
export function oneOf<Word extends string>(ctx: HttpContext, name: string, words: readonly Word[]): Word | undefined {
  const text = ctx.req.query(name);
  const word = words.find((known) => known === text);
  if (word !== undefined || text === undefined) return word;
  throw misfit(name, words.length > 2 ? `one of ${words.join(", ")}` : words.join(" or "), text);
}

/** Whether the query says `true` there; `false` when it says nothing, or `invalid_input`. */
export function yesOrNo(ctx: HttpContext, name: string): boolean {
  return oneOf(ctx, name, ["true", "false"]) === "true";
}

function misfit(name: string, wanted: string, got: string): AppError {
  return new AppError("invalid_input", `wanted ${name} to be ${wanted}, got "${got.slice(0, 40)}"`, { cause: { param: name } });
}
