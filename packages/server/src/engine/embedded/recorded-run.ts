import { enforce, type EventBody, type Outcome, type Principal, type RecordedRun, type RecordedStep } from "@tutti/core";
import type { EngineParts } from "../effects.ts";

/** What a recorded run is made of. */
export interface RecordedRunParts {
  readonly runId: string;
  readonly step: RecordedStep;
  readonly principal: Principal;
  readonly engine: EngineParts;
  readonly append: (body: EventBody) => Promise<boolean>;
}

/** Decides whether somebody may do a step themselves, and gives them its end to write. */
export function recordRun({ runId, step, principal, engine, append }: RecordedRunParts): RecordedRun {
  const startedAtMs = Date.now();
  const startMs = performance.now();
  const { workflow, kind, name } = step;
  const action = { kind: step.action, principal, resource: name, input: step.input };
  const decision = engine.decide(action);
  const end = (outcome: Outcome): Promise<boolean> => {
    const timing = {
      attempt: 1,
      startedAt: new Date(startedAtMs).toISOString(),
      durationMs: Math.round((performance.now() - startMs) * 1000) / 1000,
    };
    return append({
      type: "run.recorded",
      workflow,
      version: "1",
      action,
      decision,
      policyHash: engine.policyHash(),
      key: "0",
      kind,
      name,
      ...timing,
      outcome,
    });
  };
  if (decision.effect !== "allow") void end({ ok: false, code: "denied", message: decision.reason });
  enforce(action, decision);
  return { runId, complete: (output) => end({ ok: true, output }), fail: (code, message) => end({ ok: false, code, message }) };
}
