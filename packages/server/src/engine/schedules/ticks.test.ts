import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { cronTimes } from "./cron.ts";
import { dueTicks, jitterOf, nextTick, nextTicks, type TickSpec } from "./ticks.ts";

const MINUTE_MS = 60_000;
const HOUR_MS = 3_600_000;

const at = (iso: string): number => Date.parse(iso);
const iso = (ticks: readonly number[]): readonly string[] => ticks.map((tickMs) => new Date(tickMs).toISOString().slice(0, 16));
const cron = (expression: string, timeZone: string): TickSpec => ({ when: { cron: expression, timeZone } });

test("a daily job in an hour that is not there runs when the clock has jumped over it", () => {
  assert.deepEqual(iso(nextTicks(cron("30 2 * * *", "Europe/Rome"), at("2026-03-28T00:00:00Z"), 3)), [
    "2026-03-28T01:30",
    "2026-03-29T01:00",
    "2026-03-30T00:30",
  ]);
  assert.deepEqual(iso(nextTicks(cron("15 2 * * *", "America/New_York"), at("2026-03-07T12:00:00Z"), 2)), [
    "2026-03-08T07:00",
    "2026-03-09T06:15",
  ]);
  // Midnight itself is not there.
  assert.deepEqual(iso(nextTicks(cron("0 0 * * *", "America/Santiago"), at("2026-09-05T12:00:00Z"), 2)), [
    "2026-09-06T04:00",
    "2026-09-07T03:00",
  ]);
  // Clocks jump by half an hour.
  assert.deepEqual(iso(nextTicks(cron("15 2 * * *", "Australia/Lord_Howe"), at("2026-10-03T00:00:00Z"), 2)), [
    "2026-10-03T15:30",
    "2026-10-04T15:15",
  ]);
});

test("a daily job in an hour that is there twice runs once, the first time", () => {
  assert.deepEqual(iso(nextTicks(cron("30 2 * * *", "Europe/Rome"), at("2026-10-24T12:00:00Z"), 2)), [
    "2026-10-25T00:30",
    "2026-10-26T01:30",
  ]);
  assert.deepEqual(iso(nextTicks(cron("0 30 1 * * *", "America/New_York"), at("2026-10-31T12:00:00Z"), 2)), [
    "2026-11-01T05:30",
    "2026-11-02T06:30",
  ]);
});

test("a job that follows the clock runs through an hour that is there twice, and skips one that is not there", () => {
  assert.deepEqual(iso(nextTicks(cron("*/30 * * * *", "Europe/Rome"), at("2026-10-24T23:59:00Z"), 6)), [
    "2026-10-25T00:00",
    "2026-10-25T00:30",
    "2026-10-25T01:00",
    "2026-10-25T01:30",
    "2026-10-25T02:00",
    "2026-10-25T02:30",
  ]);
  assert.deepEqual(iso(nextTicks(cron("0 */2 * * *", "Europe/Rome"), at("2026-03-28T23:00:00Z"), 2)), [
    "2026-03-29T02:00",
    "2026-03-29T04:00",
  ]);
});

test("a day that a zone skipped has no ticks", () => {
  assert.deepEqual(iso(nextTicks(cron("0 12 * * *", "Pacific/Apia"), at("2011-12-29T00:00:00Z"), 3)), [
    "2011-12-29T22:00",
    "2011-12-30T22:00",
    "2011-12-31T22:00",
  ]);
});

test("an expression that never matches has no next tick", () => {
  assert.equal(nextTick(cron("0 0 30 2 *", "Europe/Rome"), at("2026-01-01T00:00:00Z")), undefined);
});

test("what is no cron expression or time zone is refused with the reason", () => {
  for (const expression of ["61 * * * *", "* * *", "2026-01-01T00:00:00", "? * * * *", "0 0 0 1 1 * 2099", "*/0 * * * *", ""])
    assert.throws(() => cronTimes(expression, "UTC"), { code: "invalid_input", message: /wanted a cron expression such as/ });
  assert.throws(() => cronTimes("* * * * *", "Mars/Phobos"), { code: "invalid_input", message: /wanted a time zone/ });
});

test("an interval counts from its beginning, and a date comes once", () => {
  const every: TickSpec = { when: { everyMs: 1_500, from: "2026-01-01T00:00:00Z" } };
  assert.equal(nextTick(every, at("2025-01-01T00:00:00Z")), at("2026-01-01T00:00:00Z"));
  assert.equal(nextTick(every, at("2026-01-01T00:00:00Z")), at("2026-01-01T00:00:01.500Z"));
  const once: TickSpec = { when: { at: "2026-12-24T18:00:00Z" } };
  assert.deepEqual(nextTicks(once, at("2026-01-01T00:00:00Z"), 5), [at("2026-12-24T18:00:00Z")]);
  assert.equal(nextTick(once, at("2026-12-24T18:00:00Z")), undefined);
});

test("a schedule has no ticks before its start and after its end", () => {
  const spec = { ...cron("0 * * * *", "UTC"), startAt: "2026-01-01T10:00:00Z", endAt: "2026-01-01T11:30:00Z" };
  assert.deepEqual(iso(nextTicks(spec, 0, 10)), ["2026-01-01T10:00", "2026-01-01T11:00"]);
  assert.deepEqual(dueTicks(spec, { afterMs: 0, untilMs: at("2027-01-01T00:00:00Z") }, 10), {
    ticks: [at("2026-01-01T10:00:00Z"), at("2026-01-01T11:00:00Z")],
    hasMore: false,
  });
});

test("ticks of ten years of standing still are found as quickly as those of a day", () => {
  const span = { afterMs: at("2016-01-01T00:00:00Z"), untilMs: at("2026-01-01T00:00:00.500Z") };
  const { ticks, hasMore } = dueTicks(cron("* * * * * *", "Europe/Rome"), span, 3);
  assert.deepEqual(ticks, [at("2025-12-31T23:59:58Z"), at("2025-12-31T23:59:59Z"), at("2026-01-01T00:00:00Z")]);
  assert.equal(hasMore, true);
});

/** Nights on which clocks change, with hours around them. */
const changes = fc.constantFrom(
  { timeZone: "Europe/Rome", fromMs: at("2026-03-28T22:00:00Z") },
  { timeZone: "Europe/Rome", fromMs: at("2026-10-24T22:00:00Z") },
  { timeZone: "America/New_York", fromMs: at("2026-03-08T05:00:00Z") },
  { timeZone: "America/New_York", fromMs: at("2026-11-01T04:00:00Z") },
  { timeZone: "Australia/Lord_Howe", fromMs: at("2026-04-04T13:00:00Z") },
  { timeZone: "Australia/Lord_Howe", fromMs: at("2026-10-03T13:00:00Z") },
  { timeZone: "America/Santiago", fromMs: at("2026-09-06T02:00:00Z") },
  { timeZone: "Africa/Cairo", fromMs: at("2026-04-23T20:00:00Z") },
  { timeZone: "Asia/Kathmandu", fromMs: at("2026-06-01T00:00:00Z") },
);
const SPAN_MS = 6 * HOUR_MS;

interface Fields {
  readonly minutes: readonly number[];
  readonly hours: readonly number[] | "*";
}

const fields: fc.Arbitrary<Fields> = fc.record({
  minutes: fc.uniqueArray(fc.nat(59), { minLength: 1, maxLength: 4 }),
  hours: fc.oneof(fc.constant("*" as const), fc.uniqueArray(fc.nat(4), { minLength: 1, maxLength: 3 })),
});

interface WallTime {
  readonly ms: number;
  readonly day: string;
  readonly minute: number;
}

/** What the clock on the wall shows, minute after minute through a span. */
const wallTimes = memoized((timeZone: string, fromMs: number): readonly WallTime[] => {
  const format = new Intl.DateTimeFormat("en-GB", { timeZone, hour: "2-digit", minute: "2-digit", day: "2-digit", hourCycle: "h23" });
  return Array.from({ length: SPAN_MS / MINUTE_MS + 1 }, (_, index) => {
    const ms = fromMs + index * MINUTE_MS;
    const parts = Object.fromEntries(format.formatToParts(ms).map(({ type, value }) => [type, value]));
    return { ms, day: parts["day"] ?? "", minute: Number(parts["hour"]) * 60 + Number(parts["minute"]) };
  });
});

/** The ticks of a span, found without any calculation: by looking at the clock on the wall once a minute. */
function ticksByLooking({ minutes, hours }: Fields, wall: readonly WallTime[]): readonly number[] {
  const isDue = (minute: number): boolean => minutes.includes(minute % 60) && (hours === "*" || hours.includes(Math.floor(minute / 60)));
  const ticks = new Set<number>();
  const seen = new Set<string>();
  for (const [index, now] of wall.entries()) {
    const shown = `${now.day} ${now.minute}`;
    const isCounted = index > 0 && (hours === "*" || !seen.has(shown));
    seen.add(shown);
    // Fixed times that the clock jumped over are due when it lands.
    const minutesPassed = [...(hours === "*" ? [] : jumpedOver(wall[index - 1], now)), ...(isCounted ? [now.minute] : [])];
    if (minutesPassed.some(isDue)) ticks.add(now.ms);
  }
  return [...ticks];
}

function jumpedOver(before: WallTime | undefined, now: WallTime): readonly number[] {
  if (before === undefined) return [];
  const from = now.day === before.day ? before.minute + 1 : 0;
  return Array.from({ length: Math.max(0, now.minute - from) }, (_, index) => from + index);
}

function memoized<T>(find: (timeZone: string, fromMs: number) => T): (timeZone: string, fromMs: number) => T {
  const known = new Map<string, T>();
  return (timeZone, fromMs) => {
    const value = known.get(`${timeZone} ${fromMs}`) ?? find(timeZone, fromMs);
    known.set(`${timeZone} ${fromMs}`, value);
    return value;
  };
}

test("over every change of clocks the ticks are those that somebody who looks at the clock would count", () => {
  fc.assert(
    fc.property(fields, changes, ({ minutes, hours }, { timeZone, fromMs }) => {
      const spec = cron(`${minutes.join(",")} ${hours === "*" ? "*" : hours.join(",")} * * *`, timeZone);
      const ticks = nextTicks({ ...spec, endAt: new Date(fromMs + SPAN_MS).toISOString() }, fromMs, 1_000);
      assert.deepEqual(iso(ticks), iso(ticksByLooking({ minutes, hours }, wallTimes(timeZone, fromMs))));
    }),
    { numRuns: 300 },
  );
});

const specs: fc.Arbitrary<TickSpec> = fc.oneof(
  fc.tuple(fields, changes).map(([{ minutes, hours }, { timeZone }]) => cron(`${minutes.join(",")} ${String(hours)} * * *`, timeZone)),
  fc.constantFrom("*/7 * * * * *", "*/20 30 * * * *", "0 0 12 * * 1-5", "59 59 23 L * *").map((text) => cron(text, "Europe/Rome")),
  fc.integer({ min: 100, max: 10_000_000 }).map((everyMs): TickSpec => ({ when: { everyMs, from: "2026-05-01T00:00:00.123Z" } })),
);

test("looking ahead and looking back find the same ticks, each once and in order", () => {
  fc.assert(
    fc.property(specs, changes, fc.nat(10_000_000), (spec, { fromMs }, offsetMs) => {
      const afterMs = fromMs + offsetMs;
      const ahead = nextTicks(spec, afterMs, 20);
      assert.deepEqual(
        ahead,
        [...new Set(ahead)].toSorted((a, b) => a - b),
      );
      assert.ok((ahead[0] ?? Infinity) > afterMs);
      const untilMs = ahead.at(-1) ?? afterMs;
      assert.deepEqual(dueTicks(spec, { afterMs, untilMs }, 100), { ticks: ahead, hasMore: false });
      assert.deepEqual(dueTicks(spec, { afterMs, untilMs }, 5), { ticks: ahead.slice(-5), hasMore: ahead.length > 5 });
    }),
    { numRuns: 200 },
  );
});

test("jitter is bounded, always the same for a tick, and spreads schedules apart", () => {
  fc.assert(
    fc.property(fc.string(), fc.nat(), fc.nat(100_000), (...[id, tickMs, jitterMs]) => {
      const jitter = jitterOf(id, tickMs, jitterMs);
      assert.ok(Number.isInteger(jitter) && jitter >= 0 && jitter <= jitterMs);
      assert.equal(jitterOf(id, tickMs, jitterMs), jitter);
    }),
  );
  const spread = new Set(Array.from({ length: 100 }, (_, index) => jitterOf(`schedule ${index}`, 0, 60_000)));
  assert.ok(spread.size > 90);
});
