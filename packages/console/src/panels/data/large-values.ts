import type { Json } from "@tutti/core";
import { fieldOf, type LoggedEvent } from "./logged-event.ts";

/** A value that stands apart from its event, and where it belongs. */
export interface LargeValue {
  readonly sha256: string;
  readonly sizeBytes: number;
  readonly position: number;
  readonly at: string;
  readonly runId: string;
  /** What it is of its event: "input", "output of load", "outcome.output". */
  readonly what: string;
}

const HASH = /^[0-9a-f]{64}$/;
/** Events are shallow; what lies deeper is nobody's large value. */
const DEPTH_MAX = 8;

/** The large values that an event refers to. */
export function largeValuesOf({ position, event }: LoggedEvent): readonly LargeValue[] {
  const found: LargeValue[] = [];
  const step = fieldOf(event, "name");
  const look = (value: Json, path: readonly string[]): void => {
    if (typeof value !== "object" || value === null || path.length > DEPTH_MAX) return;
    const entries = Object.entries(value as Readonly<Record<string, Json>>);
    const { $blob: sha256, sizeBytes } = value as Readonly<Record<string, Json>>;
    if (typeof sha256 !== "string" || !HASH.test(sha256)) return entries.forEach(([key, inner]) => look(inner, [...path, key]));
    const what = `${path.join(".")}${step === "" ? "" : ` of ${step}`}`;
    const size = typeof sizeBytes === "number" ? sizeBytes : 0;
    found.push({ sha256, sizeBytes: size, position, at: fieldOf(event, "at"), runId: fieldOf(event, "runId"), what });
  };
  look(event, []);
  return found;
}
