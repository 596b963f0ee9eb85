import { AppError, parse, type Json, type Workflow } from "@tutti/core";
import type { ReceivedSignal } from "./history.ts";
import { toJson } from "./operation.ts";

/** A signal's value as the workflow's schema types it; signals the workflow does not know are refused. */
export async function checkedValue({ name, signals }: Workflow, signal: ReceivedSignal): Promise<Json> {
  const value = toJson(signal.value);
  if (signals === undefined) return value;
  const schema = signals[signal.name];
  if (schema !== undefined) return parse(schema, value, `the signal "${signal.name}"`);
  throw new AppError(
    "invalid_input",
    `wanted a signal that "${name}" takes, got "${signal.name}"; it takes: ${Object.keys(signals).join(", ")}`,
  );
}
