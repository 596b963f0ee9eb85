import type { ScheduleEntry, ScheduleRequest, ScheduleTiming } from "@tutti/client";
import { AppError, type Json } from "@tutti/core";
import { duration } from "../../parts/words.ts";

/** Units that a distance is given in. */
export const UNITS_MS = { seconds: 1000, minutes: 60_000, hours: 3_600_000, days: 86_400_000 } as const;
/** One of them. */
export type Unit = keyof typeof UNITS_MS;

/** A schedule as the form has it: texts as somebody types them. */
export interface ScheduleDraft {
  readonly name: string;
  readonly workflow: string;
  readonly input: Json;
  readonly kind: "cron" | "every" | "once";
  readonly cron: string;
  readonly timeZone: string;
  readonly every: string;
  readonly unit: Unit;
  /** A moment in the reader's own time zone, as a field for local times has it. */
  readonly at: string;
  readonly overlap: NonNullable<ScheduleRequest["overlap"]>;
  readonly catchUp: NonNullable<ScheduleRequest["catchUp"]>;
  readonly jitterSeconds: string;
  readonly lateMaxSeconds: string;
  readonly tickField: string;
  /** What the form does not show, kept as it is. */
  readonly rest: Omit<ScheduleRequest, "name" | "workflow" | "when">;
}

/** A schedule that is to be made. */
export const NEW_SCHEDULE: ScheduleDraft = {
  name: "",
  workflow: "",
  input: null,
  kind: "cron",
  cron: "0 9 * * MON-FRI",
  timeZone: "UTC",
  every: "15",
  unit: "minutes",
  at: "",
  overlap: "skip",
  catchUp: "skip",
  jitterSeconds: "0",
  lateMaxSeconds: "60",
  tickField: "",
  rest: {},
};

/** A schedule that is to be changed. */
export function draftOf(entry: ScheduleEntry): ScheduleDraft {
  const { name, workflow, when, input, overlap, catchUp, jitterMs, lateMaxMs, tickField, startAt, endAt, catchUpMax, queueMax, supervise } =
    entry;
  const rest = {
    ...(startAt !== undefined && { startAt }),
    ...(endAt !== undefined && { endAt }),
    ...(catchUpMax !== undefined && { catchUpMax }),
    ...(queueMax !== undefined && { queueMax }),
    ...(supervise !== undefined && { supervise }),
  };
  return {
    ...NEW_SCHEDULE,
    name,
    workflow,
    input: input ?? null,
    ...timingDraft(when),
    overlap: overlap ?? NEW_SCHEDULE.overlap,
    catchUp: catchUp ?? NEW_SCHEDULE.catchUp,
    jitterSeconds: String((jitterMs ?? 0) / 1000),
    lateMaxSeconds: String((lateMaxMs ?? 60_000) / 1000),
    tickField: tickField ?? "",
    rest,
  };
}

function timingDraft(when: ScheduleTiming): Partial<ScheduleDraft> {
  if ("cron" in when) return { kind: "cron", cron: when.cron, timeZone: when.timeZone ?? "UTC" };
  if ("at" in when) return { kind: "once", at: localOf(when.at) };
  const unit = (Object.keys(UNITS_MS) as readonly Unit[]).findLast((one) => when.everyMs % UNITS_MS[one] === 0) ?? "seconds";
  return { kind: "every", every: String(when.everyMs / UNITS_MS[unit]), unit };
}

/** What the server is asked for; throws `invalid_input` when a text says nothing. */
export function requestOf(draft: ScheduleDraft, before?: ScheduleTiming): ScheduleRequest {
  const { name, workflow, input, overlap, catchUp, jitterSeconds, lateMaxSeconds, tickField, rest } = draft;
  return {
    ...rest,
    name: name.trim(),
    workflow,
    when: timingOf(draft, before),
    input,
    overlap,
    catchUp,
    jitterMs: Math.round(Number(jitterSeconds) * 1000),
    lateMaxMs: Math.round(Number(lateMaxSeconds) * 1000),
    ...(tickField.trim() !== "" && { tickField: tickField.trim() }),
  };
}

function timingOf({ kind, cron, timeZone, every, unit, at }: ScheduleDraft, before: ScheduleTiming | undefined): ScheduleTiming {
  switch (kind) {
    case "cron":
      if (cron.trim() === "") throw new AppError("invalid_input", "wanted a cron expression such as 0 9 * * MON-FRI, got none");
      return { cron: cron.trim(), timeZone };
    case "every": {
      const number = Number(every);
      if (every.trim() === "" || !(number > 0)) throw new AppError("invalid_input", `wanted a distance above 0, got "${every}"`);
      // The distance is counted from where it was counted before, or ticks would jump when something else is changed.
      const from = before !== undefined && "everyMs" in before ? before.from : undefined;
      return { everyMs: Math.round(number * UNITS_MS[unit]), ...(from !== undefined && { from }) };
    }
    case "once": {
      const ms = Date.parse(at);
      if (Number.isNaN(ms)) throw new AppError("invalid_input", "wanted a moment, got none");
      return { at: new Date(ms).toISOString() };
    }
  }
}

/** When a schedule is due, in words. */
export function whenWords(when: ScheduleTiming): string {
  if ("cron" in when) return `${when.cron} (${when.timeZone ?? "UTC"})`;
  if ("everyMs" in when) return `every ${duration(when.everyMs)}`;
  return "once";
}

function localOf(moment: string): string {
  const date = new Date(moment);
  return new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 19);
}
