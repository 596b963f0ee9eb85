import type { RunStatus } from "@tutti/core";
import type { Style, Terminal } from "./terminal.ts";

const STATUS_STYLES: Readonly<Record<RunStatus, Style>> = {
  queued: "dim",
  running: "cyan",
  waiting: "yellow",
  paused: "yellow",
  completed: "green",
  failed: "red",
  cancelled: "dim",
  continued: "green",
};

/** The colour of a status, the same wherever one stands. */
export function statusStyle(status: RunStatus): Style {
  return STATUS_STYLES[status];
}

/** A sign, or what stands for it where the terminal shows ASCII only. */
export function sign(name: keyof typeof SIGNS, { hasUnicode }: Terminal): string {
  return SIGNS[name][hasUnicode ? 0 : 1];
}

const SIGNS = {
  done: ["✓", "+"],
  failed: ["✗", "x"],
  again: ["↻", "r"],
  waits: ["…", "."],
  started: ["▸", ">"],
  warning: ["!", "!"],
} as const satisfies Readonly<Record<string, readonly [unicode: string, ascii: string]>>;
