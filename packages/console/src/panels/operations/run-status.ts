import type { RunStatus } from "@tutti/core";
import { STATUS_ACCENT } from "../../parts/tones.ts";

/** Whether a text is a status that runs have. */
export function isRunStatus(text: string): text is RunStatus {
  return Object.hasOwn(STATUS_ACCENT, text);
}
