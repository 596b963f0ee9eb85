import type { Waiting } from "@tutti/core/insight";
import { printable } from "../terminal-text.ts";

/** What a run waits for, a sentence a line, whole: who asks wants to read it to its end. Pure. */
export function waitingReport(waiting: readonly Waiting[]): readonly string[] {
  return waiting.map(({ sentence }) => printable(sentence));
}
