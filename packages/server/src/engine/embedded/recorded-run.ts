import { enforce, type EventBody, type Json, type Principal, type RecordedRun, type RecordedStep, type StepKind } from "@tutti/core";
import type { EngineParts } from "../effects.ts";

/** What a recorded run is made of. `append` journals events after `seq`. */
export interface RecordedRunParts {
  readonly runId: string;
  readonly workflow: string;
  readonly step: RecordedStep;
  readonly principal: Principal;
  readonly engine: EngineParts;
  readonly append: (bodies: readonly EventBody[], seq: number) => Promise<boolean>;
}

/** Decides and journals the start of a run whose one step somebody else does, and gives them the end to write. */
export function recordRun({ runId, workflow, step, principal, engine, append }: RecordedRunParts): RecordedRun {
  const startedAtMs = Date.now();
  const action = { kind: step.action, principal, resource: step.name, input: step.input };
  const decision = engine.decide(action);
  const started: EventBody = { type: "run.started", workflow, version: "1", input: step.input, principal };
  const decided: EventBody = { type: "policy.decided", key: "0", action, decision, policyHash: engine.policyHash() };
  if (decision.effect !== "allow") {
    void append([started, decided, { type: "run.failed", code: "denied", message: decision.reason }], 0);
    enforce(action, decision);
  }
  void append([started, decided], 0);
  const timing = (): { key: string; kind: StepKind; name: string; attempt: number; startedAt: string; durationMs: number } => ({
    key: "0",
    kind: step.kind,
    name: step.name,
    attempt: 1,
    startedAt: new Date(startedAtMs).toISOString(),
    durationMs: Date.now() - startedAtMs,
  });
  return {
    runId,
    complete: (output: Json) => void append([{ type: "step.completed", ...timing(), output }, { type: "run.completed", output }], 2),
    fail: (code, message) => void append([{ type: "step.failed", ...timing(), code, message, retryAt: null }, { type: "run.failed", code, message }], 2),
  };
}
