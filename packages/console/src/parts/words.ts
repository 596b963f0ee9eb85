const RELATIVE = new Intl.RelativeTimeFormat(undefined, { numeric: "auto", style: "short" });
const CLOCK = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "medium" });
const TO_THE_MS = new Intl.DateTimeFormat(undefined, {
  hour: "2-digit",
  minute: "2-digit",
  second: "2-digit",
  fractionalSecondDigits: 3,
  hourCycle: "h23",
});
const WHOLE = new Intl.NumberFormat();
const COMPACT = new Intl.NumberFormat(undefined, { notation: "compact", maximumFractionDigits: 1 });
const STEPS: readonly (readonly [Intl.RelativeTimeFormatUnit, number])[] = [
  ["year", 31_557_600_000],
  ["month", 2_629_800_000],
  ["day", 86_400_000],
  ["hour", 3_600_000],
  ["minute", 60_000],
  ["second", 1000],
];
const NOW_MS = 1000;

/** A distance in time as people say it: "3 min. ago", "in 2 hr.". */
export function ago(distanceMs: number): string {
  if (Number.isNaN(distanceMs)) return "–";
  const size = Math.abs(distanceMs);
  const [unit, unitMs] = STEPS.find(([, ms]) => size >= ms) ?? ["second", 1000];
  return size < NOW_MS ? RELATIVE.format(0, "second") : RELATIVE.format(Math.trunc(distanceMs / unitMs), unit);
}

/** A moment in the reader's own time zone and language. */
export function clockTime(at: string): string {
  const moment = Date.parse(at);
  return Number.isNaN(moment) ? at : CLOCK.format(moment);
}

/** A moment of a day in the reader's own time zone, to the millisecond: for lists of what happened at nearly the same time. */
export function preciseTime(at: string): string {
  const moment = Date.parse(at);
  return Number.isNaN(moment) ? at : TO_THE_MS.format(moment);
}

/** How long something took: "12 ms", "3.4 s", "2 m 5 s", "4 h", "3 d 2 h". */
export function duration(ms: number): string {
  if (ms < 1) return "<1 ms";
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(ms < 10_000 ? 1 : 0)} s`;
  if (ms < 3_600_000) return inTwo(ms, [60_000, "m"], [1000, "s"]);
  if (ms < 86_400_000) return inTwo(ms, [3_600_000, "h"], [60_000, "m"]);
  return inTwo(ms, [86_400_000, "d"], [3_600_000, "h"]);
}

type Unit = readonly [ms: number, name: string];

function inTwo(ms: number, [largeMs, large]: Unit, [smallMs, small]: Unit): string {
  const rest = Math.floor((ms % largeMs) / smallMs);
  return `${Math.floor(ms / largeMs)} ${large}${rest === 0 ? "" : ` ${rest} ${small}`}`;
}

/** A number of things: "1 tool", "2 tools". */
export function several(number: number, thing: string): string {
  return `${WHOLE.format(number)} ${thing}${number === 1 ? "" : "s"}`;
}

/** A whole number with its thousands told apart. */
export function count(number: number): string {
  return WHOLE.format(number);
}

/** A number of things that are counted up to a bound: "12", "1,000+". */
export function countUpTo(number: number, bound: number): string {
  return number < bound ? count(number) : `${count(bound)}+`;
}

/** A large number, short: "12.4K". */
export function short(number: number): string {
  return COMPACT.format(number);
}

/** US dollars; small amounts keep what tells them from nothing. */
export function dollars(usd: number): string {
  if (usd === 0) return "$0";
  return usd < 0.01 ? `$${usd.toPrecision(2)}` : `$${usd.toFixed(2)}`;
}

/** A size in bytes: "3.2 kB". */
export function bytes(size: number): string {
  if (size < 1000) return `${size} B`;
  if (size < 1_000_000) return `${(size / 1000).toFixed(1)} kB`;
  return size < 1_000_000_000 ? `${(size / 1_000_000).toFixed(1)} MB` : `${(size / 1_000_000_000).toFixed(1)} GB`;
}

/** The part of an id that people tell each other. */
export function shortId(id: string): string {
  return id.length > 13 ? `${id.slice(0, 8)}…${id.slice(-4)}` : id;
}
