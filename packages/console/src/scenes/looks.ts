import type { RunStatus } from "@tutti/core";
import { COLOUR, STATUS_ACCENT, type Accent } from "../parts/tones.ts";
import type { BodyKind } from "./sky.ts";

/** The colour of each kind of body, in the sky and in its key. */
export const BODY_ACCENT: Readonly<Record<BodyKind, Accent>> = { agent: "orange", model: "blue", tool: "green", workflow: "violet" };

/** A run's colour as a variable. */
export function sparkColour(status: string): string {
  return COLOUR[STATUS_ACCENT[status as RunStatus] ?? "grey"];
}
