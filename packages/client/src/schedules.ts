import type { Json } from "@tutti/core";
import type { Transport } from "./transport.ts";

/** When a schedule is due: by the calendar, at a fixed distance, or once. Moments are ISO 8601 with their zone. */
export type ScheduleTiming =
  | { readonly cron: string; readonly timeZone?: string }
  | { readonly everyMs: number; readonly from?: string }
  | { readonly at: string };

/** A schedule as it is asked for; what is left out has a default. */
export interface ScheduleRequest {
  readonly name: string;
  readonly workflow: string;
  readonly when: ScheduleTiming;
  readonly input?: Json;
  readonly tickField?: string;
  readonly startAt?: string;
  readonly endAt?: string;
  readonly jitterMs?: number;
  readonly lateMaxMs?: number;
  readonly catchUp?: "skip" | "one" | "all";
  readonly catchUpMax?: number;
  readonly overlap?: "skip" | "queue" | "cancel" | "allow";
  readonly queueMax?: number;
  readonly supervise?: Json;
}

/** A schedule: its settings, when it is due next, and what became of its ticks. */
export interface ScheduleEntry extends ScheduleRequest {
  readonly runId: string;
  readonly status: "active" | "paused" | "broken";
  readonly paused: { readonly reason: string; readonly since: string } | null;
  readonly nextAt: string | null;
  readonly last: {
    readonly at: string;
    readonly why: string;
    readonly runId: string;
    readonly status: string;
    readonly error?: { readonly code: string; readonly message: string };
  } | null;
  readonly active: readonly { readonly at: string; readonly runId: string }[];
  readonly queued: number;
  readonly counts: Readonly<Record<"started" | "completed" | "failed" | "cancelled" | "missed", number>>;
  readonly misses: readonly { readonly at: string; readonly reason: string }[];
}

/** The calls about schedules. */
export interface ScheduleCalls {
  schedules(signal?: AbortSignal): Promise<readonly ScheduleEntry[]>;
  schedule(name: string, signal?: AbortSignal): Promise<ScheduleEntry>;
  createSchedule(request: ScheduleRequest, signal?: AbortSignal): Promise<ScheduleEntry>;
  /** Gives it other settings from now on. */
  updateSchedule(request: ScheduleRequest, signal?: AbortSignal): Promise<ScheduleEntry>;
  deleteSchedule(name: string, reason: string, signal?: AbortSignal): Promise<void>;
  pauseSchedule(name: string, reason: string, signal?: AbortSignal): Promise<ScheduleEntry>;
  resumeSchedule(name: string, signal?: AbortSignal): Promise<ScheduleEntry>;
  /** A tick now; returns the id of the run that it starts. */
  triggerSchedule(name: string, signal?: AbortSignal): Promise<string>;
  /** When a schedule is due next. */
  nextTicks(name: string, count: number, signal?: AbortSignal): Promise<readonly string[]>;
  /** When a schedule that does not exist yet would be due. */
  previewSchedule(request: ScheduleRequest, count: number, signal?: AbortSignal): Promise<readonly string[]>;
}

/** The calls over a transport. */
export function scheduleCalls(transport: Transport): ScheduleCalls {
  const path = (name: string, rest = ""): string => `/v1/schedules/${encodeURIComponent(name)}${rest}`;
  const one = async (request: Parameters<Transport["json"]>[0], signal?: AbortSignal): Promise<ScheduleEntry> =>
    (await transport.json<{ readonly schedule: ScheduleEntry }>(request, signal)).schedule;
  const ticks = async (request: Parameters<Transport["json"]>[0], signal?: AbortSignal): Promise<readonly string[]> =>
    (await transport.json<{ readonly next: readonly string[] }>(request, signal)).next;
  return {
    schedules: async (signal) =>
      (await transport.json<{ readonly schedules: readonly ScheduleEntry[] }>({ path: "/v1/schedules" }, signal)).schedules,
    schedule: (name, signal) => one({ path: path(name) }, signal),
    createSchedule: (request, signal) => one({ method: "POST", path: "/v1/schedules", body: request }, signal),
    updateSchedule: (request, signal) => one({ method: "POST", path: path(request.name), body: request }, signal),
    deleteSchedule: async (name, reason, signal) =>
      void (await transport.json({ method: "POST", path: path(name, "/delete"), body: { reason } }, signal)),
    pauseSchedule: (name, reason, signal) => one({ method: "POST", path: path(name, "/pause"), body: { reason } }, signal),
    resumeSchedule: (name, signal) => one({ method: "POST", path: path(name, "/resume"), body: {} }, signal),
    triggerSchedule: async (name, signal) =>
      (await transport.json<{ readonly runId: string }>({ method: "POST", path: path(name, "/trigger"), body: {} }, signal)).runId,
    nextTicks: (name, count, signal) => ticks({ path: path(name, "/next"), query: { count } }, signal),
    previewSchedule: (request, count, signal) =>
      ticks({ method: "POST", path: "/v1/schedules/preview", query: { count }, body: request }, signal),
  };
}
