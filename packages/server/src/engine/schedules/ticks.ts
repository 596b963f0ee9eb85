import { createHash } from "node:crypto";
import { cronTimes } from "./cron.ts";
import type { ScheduleSpec } from "./schedule-spec.ts";

/** What of a schedule says when it is due. */
export type TickSpec = Pick<ScheduleSpec, "when" | "startAt" | "endAt">;

/** The first tick after `afterMs`; `undefined` when there is none any more. Pure. */
export function nextTick(spec: TickSpec, afterMs: number): number | undefined {
  const tickMs = nextOf(spec, Math.max(afterMs, startMs(spec) - 1));
  return tickMs === undefined || tickMs > endMs(spec) ? undefined : tickMs;
}

/** The next ticks after `afterMs`, at most `count` of them. Pure. */
export function nextTicks(spec: TickSpec, afterMs: number, count: number): readonly number[] {
  const ticks: number[] = [];
  for (let tickMs = nextTick(spec, afterMs); tickMs !== undefined && ticks.length < count; tickMs = nextTick(spec, tickMs))
    ticks.push(tickMs);
  return ticks;
}

/** Ticks that fell due after `afterMs` and up to `untilMs`, oldest first: the newest `max` of them, and whether there were more. Pure. */
export function dueTicks(
  spec: TickSpec,
  span: { readonly afterMs: number; readonly untilMs: number },
  max: number,
): { readonly ticks: readonly number[]; readonly hasMore: boolean } {
  const fromMs = Math.max(span.afterMs, startMs(spec) - 1);
  const untilMs = Math.min(span.untilMs, endMs(spec));
  if (untilMs <= fromMs) return { ticks: [], hasMore: false };
  // From the newest back: after a year of standing still there are millions of old ones that nobody will run.
  const newest = latestOf(spec, { fromMs, untilMs }, max + 1).filter((tickMs) => tickMs > fromMs);
  return { ticks: newest.slice(0, max).toReversed(), hasMore: newest.length > max };
}

/** By how much later than its time a tick starts: the same every time one asks, different for each tick and schedule. Pure. */
export function jitterOf(scheduleId: string, tickMs: number, jitterMs: number): number {
  if (jitterMs === 0) return 0;
  const draw = createHash("sha256").update(`${scheduleId}/${tickMs}`).digest().readUInt32BE(0);
  return Math.floor((draw / 2 ** 32) * (jitterMs + 1));
}

function nextOf({ when }: TickSpec, afterMs: number): number | undefined {
  if ("cron" in when) return cronTimes(when.cron, when.timeZone).next(afterMs);
  if ("at" in when) return Date.parse(when.at) > afterMs ? Date.parse(when.at) : undefined;
  const fromMs = Date.parse(when.from ?? "1970-01-01T00:00:00Z");
  return fromMs + Math.max(0, Math.floor((afterMs - fromMs) / when.everyMs) + 1) * when.everyMs;
}

function latestOf(
  { when }: TickSpec,
  { fromMs, untilMs }: { readonly fromMs: number; readonly untilMs: number },
  limit: number,
): readonly number[] {
  if ("cron" in when) return cronTimes(when.cron, when.timeZone).latest(untilMs, limit);
  if ("at" in when) return Date.parse(when.at) <= untilMs ? [Date.parse(when.at)] : [];
  const { everyMs } = when;
  const anchorMs = Date.parse(when.from ?? "1970-01-01T00:00:00Z");
  const lastMs = anchorMs + Math.floor((untilMs - anchorMs) / everyMs) * everyMs;
  const firstMs = Math.max(anchorMs, fromMs + 1);
  const count = Math.min(limit, Math.floor((lastMs - firstMs) / everyMs) + 1);
  return Array.from({ length: Math.max(0, count) }, (_, index) => lastMs - index * everyMs);
}

function startMs({ startAt }: TickSpec): number {
  return startAt === undefined ? -Infinity : Date.parse(startAt);
}

function endMs({ endAt }: TickSpec): number {
  return endAt === undefined ? Infinity : Date.parse(endAt);
}
