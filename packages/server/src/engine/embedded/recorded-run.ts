import { enforce, type EventBody, type Json, type Outcome, type Principal, type RecordedRun, type RecordedStep } from "@tutti/core";
import { iso } from "../clock.ts";
import { timed, type EngineParts } from "../effects.ts";
import { newRunId } from "../run-id.ts";

/** What a recorded run is made of. */
export interface RecordedRunParts {
  readonly runId: string;
  readonly step: RecordedStep;
  readonly principal: Principal;
  readonly engine: EngineParts;
  readonly toJournal: (value: Json) => Json | Promise<Json>;
  readonly append: (runId: string, body: EventBody) => Promise<boolean>;
}

/** Decides whether somebody may do a step themselves, and gives them its end to write. */
export function recordRun({ runId, step, principal, engine, toJournal, append }: RecordedRunParts): RecordedRun {
  const startedAtMs = Date.now();
  const startMs = performance.now();
  const { workflow, kind, name } = step;
  const action = timed(engine, { kind: step.action, principal, resource: name, input: step.input }, iso(startedAtMs));
  const decision = engine.decide(action);
  const policyHash = engine.policyHash();
  const end = (id: string, outcome: Outcome): Promise<boolean> => {
    const timing = {
      attempt: 1,
      startedAt: new Date(startedAtMs).toISOString(),
      durationMs: Math.round((performance.now() - startMs) * 1000) / 1000,
    };
    return append(id, {
      type: "run.recorded",
      workflow,
      version: "1",
      action,
      decision,
      policyHash,
      key: "0",
      kind,
      name,
      ...timing,
      outcome,
    });
  };
  // A refusal does not take the id: what was refused may be allowed another time.
  if (decision.effect !== "allow") void end(newRunId(startedAtMs), { ok: false, code: "denied", message: decision.reason });
  enforce(action, decision);
  return {
    runId,
    complete: (output) =>
      Promise.resolve(toJournal(output)).then(
        (journaled) => end(runId, { ok: true, output: journaled }),
        () => false,
      ),
    fail: (code, message, output) => end(runId, { ok: false, code, message, ...(output !== undefined && { output }) }),
  };
}
