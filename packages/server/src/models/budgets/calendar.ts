import type { Period } from "./limits.ts";

const DAY_MS = 86_400_000;
/** 1970-01-01 was a Thursday, three days after its week's Monday. */
const DAYS_BEFORE_EPOCH = 3;

/** All periods, shortest first. */
export const PERIODS: readonly Period[] = ["day", "week", "month", "total"];

/** When the windows of a moment began and end, in ms since 1970, in UTC. */
export interface Windows {
  readonly startsMs: Readonly<Record<Period, number>>;
  readonly endsMs: Readonly<Record<Period, number>>;
}

let latest: Windows = windowsOf(0);

/** The windows that a moment lies in. Those of one day are made once. Pure but for that. */
export function windowsAt(atMs: number): Windows {
  if (atMs < latest.startsMs.day || atMs >= latest.endsMs.day) latest = windowsOf(atMs);
  return latest;
}

/** A moment's day, as in "2026-11-21". */
export function dayOf(atMs: number): string {
  return new Date(atMs).toISOString().slice(0, 10);
}

function windowsOf(atMs: number): Windows {
  const days = Math.floor(atMs / DAY_MS);
  const day = days * DAY_MS;
  const week = (days - ((((days + DAYS_BEFORE_EPOCH) % 7) + 7) % 7)) * DAY_MS;
  const date = new Date(day);
  const monthAfter = (count: number): number => Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + count, 1);
  return {
    startsMs: { day, week, month: monthAfter(0), total: 0 },
    endsMs: { day: day + DAY_MS, week: week + 7 * DAY_MS, month: monthAfter(1), total: Infinity },
  };
}
