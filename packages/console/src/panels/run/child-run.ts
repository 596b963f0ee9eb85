import { sha256 } from "./receipt/sha256.ts";
import type { DoingKind } from "../../parts/kinds.tsx";
import type { StepStory } from "./step-story.ts";

/** A UUIDv8 made from a text (RFC 9562 §5.8), as engines make the ids of runs that a step starts: the same step, the same run. */
function derivedId(text: string): string {
  const hex = sha256(text).slice(0, 32);
  const variant = ((Number.parseInt(hex.slice(16, 18), 16) & 0x3f) | 0x80).toString(16).padStart(2, "0");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-${variant}${hex.slice(18, 20)}-${hex.slice(20)}`;
}

const RUN_ID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

/** The run that a step is or has started; `undefined` for steps that start none. */
export function childRunOf(
  runId: string,
  step: Pick<StepStory, "key" | "name"> & { readonly kind: DoingKind | undefined },
): string | undefined {
  if (step.kind !== "workflow" && step.kind !== "spawn") return undefined;
  // A step that waits for a run that was spawned before has its id for a name.
  return RUN_ID.test(step.name) ? step.name : derivedId(`${runId}/${step.key}`);
}
