import { AppError } from "@tutti/core";
import { Cron } from "croner";

/** The moments a cron expression names, in milliseconds since 1970. Pure, up to what the machine knows of time zones. */
export interface CronTimes {
  /** The first one after `afterMs`; `undefined` when there is none. */
  next(afterMs: number): number | undefined;
  /** The last ones up to and including `untilMs`, newest first, at most `limit` of them. */
  latest(untilMs: number, limit: number): readonly number[];
}

/** Reading an expression takes as long as using it, and schedules use theirs again and again. */
const CACHE_MAX = 512;
const cache = new Map<string, CronTimes>();

/**
 * Reads a cron expression of five fields, or of six with seconds first, on the clock of a time zone. `invalid_input` says what is wrong.
 *
 * When clocks change: a job at fixed times (no `*`, no step in seconds, minutes and hours) runs once for each of them, at the moment the
 * clock jumped over it, or the first time of two; any other job follows the clock, so it skips an hour that is not there and runs through
 * one that is there twice.
 */
export function cronTimes(expression: string, timeZone: string): CronTimes {
  const key = `${timeZone}\n${expression}`;
  const known = cache.get(key);
  if (known !== undefined) return known;
  const times = compile(expression, timeZone);
  if (cache.size >= CACHE_MAX) cache.clear();
  cache.set(key, times);
  return times;
}

function compile(expression: string, timeZone: string): CronTimes {
  checkTimeZone(timeZone);
  // croner would take a date in an expression's place, and read "?" as the moment at which it reads.
  if (expression.includes("?") || /^\s*\d{4}-/.test(expression)) throw wrong(expression, "`?` and dates are not taken");
  const cron = parse(expression, timeZone);
  return {
    next: (afterMs) => cron.nextRun(new Date(afterMs))?.getTime(),
    // croner looks before a moment, and takes all of the moment's second when it is not a whole one.
    latest: (untilMs, limit) =>
      cron.previousRuns(limit, new Date(untilMs % 1000 === 0 ? untilMs + 1 : untilMs)).map((date) => date.getTime()),
  };
}

function parse(expression: string, timeZone: string): Cron {
  try {
    return new Cron(expression, { timezone: timeZone, paused: true, mode: "5-or-6-parts", fixedTimeRule: "no-wildcard" });
  } catch (error) {
    throw wrong(expression, error instanceof Error ? error.message : String(error));
  }
}

function checkTimeZone(timeZone: string): void {
  try {
    new Intl.DateTimeFormat("en", { timeZone });
  } catch {
    throw new AppError("invalid_input", `wanted a time zone such as Europe/Rome or UTC, got ${JSON.stringify(timeZone)}`);
  }
}

function wrong(expression: string, why: string): AppError {
  return new AppError(
    "invalid_input",
    `wanted a cron expression such as "30 2 * * *" or, with seconds, "0 30 2 * * 1-5", got ${JSON.stringify(expression)}: ${why}`,
  );
}
