import type { RunStatus } from "@tutti/core";
import type { NodeStatus } from "@tutti/core/graph";
import type { Span } from "@tutti/core/insight";

/** A colour that says something. */
export type Accent = "blue" | "orange" | "green" | "red" | "violet" | "yellow" | "grey";

/** The colour of text in an accent. */
export const INK: Readonly<Record<Accent, string>> = {
  blue: "text-blue",
  orange: "text-orange",
  green: "text-green",
  red: "text-red",
  violet: "text-violet",
  yellow: "text-yellow",
  grey: "text-ink-2",
};

/** The accent's variable, for pictures. */
export const COLOUR: Readonly<Record<Accent, string>> = {
  blue: "var(--blue)",
  orange: "var(--orange)",
  green: "var(--green)",
  red: "var(--red)",
  violet: "var(--violet)",
  yellow: "var(--yellow)",
  grey: "var(--ink-3)",
};

/** What colour a run's status has, everywhere. */
export const STATUS_ACCENT: Readonly<Record<RunStatus, Accent>> = {
  queued: "violet",
  running: "blue",
  waiting: "orange",
  paused: "yellow",
  completed: "green",
  failed: "red",
  cancelled: "grey",
  continued: "grey",
};

/** What colour the health of a part or an agent has, everywhere. */
export const HEALTH_ACCENT: Readonly<Record<"ok" | "off" | "degraded" | "down", Accent>> = {
  ok: "green",
  off: "grey",
  degraded: "yellow",
  down: "red",
};

/** What colour a policy's answer has, everywhere. */
export const EFFECT_ACCENT: Readonly<Record<"allow" | "ask" | "deny" | "depends", Accent>> = {
  allow: "green",
  ask: "orange",
  deny: "red",
  depends: "violet",
};

/** Where a step of a run, or a node of a graph, stands. */
export type StepState = Span["status"] | NodeStatus;

/** What colour a step's state has, everywhere. */
export const STATE_ACCENT: Readonly<Record<StepState, Accent>> = {
  pending: "grey",
  running: "blue",
  waiting: "orange",
  completed: "green",
  failed: "red",
  refused: "red",
  skipped: "grey",
  cancelled: "grey",
};
