import { AppError } from "@tutti/core";
import { z } from "zod";
import { supervisionSchema } from "../supervisor/supervision-policy.ts";
import { cronTimes } from "./cron.ts";

const DAY_MS = 86_400_000;
/** Shorter intervals would be a loop in a workflow, not a schedule. */
const EVERY_MS_MIN = 100;
const EVERY_MS_MAX = 3_660 * DAY_MS;
const JITTER_MS_MAX = DAY_MS;
const LATE_MS_MAX = 366 * DAY_MS;
/** Ticks that are made up for at once, and ticks that wait for the one before. */
const CATCH_UP_MAX = 1_000;
const QUEUE_MAX = 100;
/** The input goes with the schedule from run to run. */
const INPUT_CHARACTERS_MAX = 32_768;

const moment = z.iso.datetime({ offset: true, error: "a moment in ISO 8601 with its zone, such as 2026-12-24T18:00:00Z" });
const whole = (min: number, max: number): z.ZodInt => z.int().min(min).max(max);

/** When a schedule is due: by the calendar, at a fixed distance, or once. */
const timingSchema = z.union(
  [
    z
      .strictObject({ cron: z.string().min(1).max(200), timeZone: z.string().max(64).default("UTC") })
      .superRefine(({ cron, timeZone }, check) => {
        try {
          cronTimes(cron, timeZone);
        } catch (error) {
          check.addIssue({ code: "custom", message: AppError.from(error).message });
        }
      }),
    z.strictObject({ everyMs: whole(EVERY_MS_MIN, EVERY_MS_MAX), from: moment.exactOptional() }),
    z.strictObject({ at: moment }),
  ],
  { error: "{cron, timeZone}, {everyMs, from} or {at}" },
);

/** A schedule as people write it. */
export const scheduleSchema = z
  .strictObject({
    name: z.string().regex(/^[A-Za-z0-9][\w.:-]{0,127}$/, "a name of letters, digits, dots, dashes and colons"),
    /** A workflow or an agent. */
    workflow: z.string().min(1).max(200),
    input: z.json().default(null),
    /** The field of the input that the tick's time is put in. */
    tickField: z.string().min(1).max(100).exactOptional(),
    when: timingSchema,
    startAt: moment.exactOptional(),
    endAt: moment.exactOptional(),
    /** Each tick starts up to so much later, by an amount of its own that is always the same. */
    jitterMs: whole(0, JITTER_MS_MAX).default(0),
    /** A tick that could not be started within this time was missed. */
    lateMaxMs: whole(0, LATE_MS_MAX).default(60_000),
    /** Which of the ticks that were missed are made up for. */
    catchUp: z.enum(["skip", "one", "all"]).default("skip"),
    catchUpMax: whole(1, CATCH_UP_MAX).default(100),
    /** What becomes of a tick while the run of the one before is still going. */
    overlap: z.enum(["skip", "queue", "cancel", "allow"]).default("skip"),
    queueMax: whole(1, QUEUE_MAX).default(10),
    /** How the run of a tick is restarted when it fails. */
    supervise: supervisionSchema.exactOptional(),
  })
  .superRefine(({ startAt, endAt, tickField, input }, check) => {
    if (JSON.stringify(input).length > INPUT_CHARACTERS_MAX)
      check.addIssue({
        code: "custom",
        path: ["input"],
        message: `at most ${INPUT_CHARACTERS_MAX} characters of JSON; let the workflow read the rest`,
      });
    if (startAt !== undefined && endAt !== undefined && Date.parse(endAt) <= Date.parse(startAt))
      check.addIssue({ code: "custom", path: ["endAt"], message: `a moment after startAt (${startAt})` });
    if (tickField !== undefined && (typeof input !== "object" || input === null || Array.isArray(input)))
      check.addIssue({ code: "custom", path: ["tickField"], message: "needs an input that is an object" });
  });

/** A schedule whose every setting is there. */
export type ScheduleSpec = z.output<typeof scheduleSchema>;

/** The schedule with what depends on when it was made: an interval without a beginning counts from then. */
export function anchored(spec: ScheduleSpec, nowMs: number): ScheduleSpec {
  const { when } = spec;
  if (!("everyMs" in when) || when.from !== undefined) return spec;
  return { ...spec, when: { ...when, from: spec.startAt ?? new Date(nowMs).toISOString() } };
}
