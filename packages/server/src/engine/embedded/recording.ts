import { AppError, type EventBody, type Json, type Outcome, type StepKind } from "@tutti/core";
import { iso } from "../clock.ts";
import { fieldOf } from "./taint.ts";
import type { ExecutionHost, Performed } from "./operation.ts";

/** How a step ended, as the log and the workflow see it. */
interface Recording {
  readonly body: EventBody;
  readonly outcome: Outcome;
}

/** The event that records how a step ended. A result that cannot be recorded is a failure. */
export function recordingOf(
  ref: { readonly key: string; readonly kind: StepKind; readonly name: string },
  performed: Performed,
  host: Pick<ExecutionHost, "toJournal">,
): Recording | Promise<Recording> {
  const { outcome, attempt, startedAtMs, durationMs, usage, partitionKey, tainted, calls } = performed;
  const step = { ...ref, attempt, startedAt: iso(startedAtMs), durationMs, ...fieldOf(tainted), ...(calls && { calls }) };
  const failed = ({ code, message }: { readonly code: string; readonly message: string }): Recording => ({
    body: { type: "step.failed", ...step, code, message, retryAt: null },
    outcome: { ok: false, code, message },
  });
  if (!outcome.ok) return failed(outcome);
  const more = { ...(usage && { usage }), ...(partitionKey !== undefined && { partitionKey }) };
  const completed = (output: Json): Recording => ({ body: { type: "step.completed", ...step, output, ...more }, outcome });
  try {
    const output = host.toJournal(outcome.output);
    return output instanceof Promise ? output.then(completed, (thrown: unknown) => failed(AppError.from(thrown))) : completed(output);
  } catch (thrown) {
    return failed(AppError.from(thrown));
  }
}
