import { formatDuration } from "./duration.ts";

/** How long ago a time was, for people: "just now", "5m 03s ago", "3d 02h ago". Pure. */
export function ago(at: string, nowMs: number): string {
  const ms = nowMs - Date.parse(at);
  return Number.isNaN(ms) || ms < 1000 ? "just now" : `${formatDuration(ms)} ago`;
}

/** How long a run took, or has taken so far. Pure. */
export function took(startedAt: string, endedAt: string | null, nowMs: number): string {
  return formatDuration((endedAt === null ? nowMs : Date.parse(endedAt)) - Date.parse(startedAt));
}
