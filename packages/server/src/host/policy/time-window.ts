import type { When } from "./rule-schema.ts";
import { ConditionError, listOf, type Path } from "./verdict.ts";

type Window = NonNullable<When["time"]>;

const DAYS = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"] as const;
const DAY_MINUTES = 1_440;
const MINUTE_MS = 60_000;

/** A moment as a clock on the wall shows it. */
interface WallTime {
  /** 0 is Sunday. */
  readonly day: number;
  readonly minute: number;
}

/** Compiles a window of time into a test of a moment in ISO 8601; `undefined` for a text that is no moment. `path` is where the window stands. */
export function timeWindow({ days, hours, zone = "UTC", from, until }: Window, path: Path): (at: string) => boolean | undefined {
  const wallTime = wallClock(zone, [...path, "zone"]);
  const wantedDays = days === undefined ? undefined : new Set<string>(listOf(days));
  const spans = hours === undefined ? [{ start: 0, end: DAY_MINUTES }] : listOf(hours).map(spanOf);
  const isWanted = (day: number): boolean => wantedDays === undefined || wantedDays.has(DAYS[(day + 7) % 7] ?? "");
  const fromMs = from === undefined ? -Infinity : Date.parse(from);
  const untilMs = until === undefined ? Infinity : Date.parse(until);
  return (at) => {
    const atMs = Date.parse(at);
    if (Number.isNaN(atMs)) return undefined;
    if (atMs < fromMs || atMs >= untilMs) return false;
    if (days === undefined && hours === undefined) return true;
    const { day, minute } = wallTime(atMs);
    return spans.some(({ start, end }) => {
      if (start < end) return minute >= start && minute < end && isWanted(day);
      // Over midnight: the hours after it belong to the day before.
      return (minute >= start && isWanted(day)) || (minute < end && isWanted(day - 1));
    });
  };
}

function spanOf(text: string): { readonly start: number; readonly end: number } {
  const [start = 0, end = 0] = text.split("-").map((clock) => {
    const [hour = 0, minute = 0] = clock.split(":").map(Number);
    return hour * 60 + minute;
  });
  return { start, end };
}

/** What clocks of a zone show. Remembers the last minute it was asked for: deciding asks for the same one again and again. */
function wallClock(zone: string, path: Path): (ms: number) => WallTime {
  let format: Intl.DateTimeFormat;
  try {
    format = new Intl.DateTimeFormat("en-US", { timeZone: zone, weekday: "short", hour: "2-digit", minute: "2-digit", hourCycle: "h23" });
  } catch {
    throw new ConditionError(path, "a time zone such as Europe/Berlin");
  }
  let known: { readonly minuteMs: number; readonly time: WallTime } | undefined;
  return (ms) => {
    const minuteMs = Math.floor(ms / MINUTE_MS);
    if (known?.minuteMs === minuteMs) return known.time;
    const parts = new Map(format.formatToParts(ms).map(({ type, value }) => [type, value]));
    const day = DAYS.findIndex((name) => name === parts.get("weekday")?.toLowerCase());
    const time = { day, minute: Number(parts.get("hour")) * 60 + Number(parts.get("minute")) };
    known = { minuteMs, time };
    return time;
  };
}
