import { AppError, type Event, type EventBody, type Fork } from "@tutti/core";

/** What a fork's log begins with, after its start: the kept part of the other log. */
export function planFork(events: readonly Event[], fork: Fork): readonly EventBody[] {
  const cut = cutOf(events, fork.beforeKey);
  const kept = events.slice(0, cut).flatMap((event) => copyOf(event, fork.outputs ?? {}));
  for (const key of Object.keys(fork.outputs ?? {})) {
    if (!kept.some((event) => event.type === "step.completed" && event.key === key))
      throw new AppError("invalid_input", `wanted outputs of steps that the fork keeps, got one for "${key}", which it does not`);
  }
  return kept;
}

/** Where the kept part ends: before the end of the step at `beforeKey`. */
function cutOf(events: readonly Event[], beforeKey: string | undefined): number {
  if (beforeKey === undefined) return cutBeforeFailure(events);
  if (!events.some((event) => "key" in event && event.key === beforeKey))
    throw new AppError("invalid_input", `wanted the key of a step of this run, got "${beforeKey}"; \`tutti runs steps\` lists them`);
  return endIndexOf(events, (event) => event.key === beforeKey);
}

/**
 * Before the step whose failure ended the run. A run that undid its steps is cut before the first of those: keeping them would mean to build
 * on what is no longer there. When the workflow's own code failed, all steps are kept.
 */
function cutBeforeFailure(events: readonly Event[]): number {
  const undone = new Set(events.flatMap((event) => (event.type === "step.completed" && event.kind === "undo" ? [event.name] : [])));
  if (undone.size > 0) return endIndexOf(events, (event) => event.kind !== "undo" && undone.has(event.name));
  const end = events.findLast((event) => event.type === "run.failed");
  return endIndexOf(events, (event) => event.type === "step.failed" && event.code === end?.code && event.message === end.message);
}

type StepEnd = Extract<Event, { readonly type: "step.completed" | "step.failed" }>;

/** The index of the first step's end that is meant; all of the log when there is none. */
function endIndexOf(events: readonly Event[], isMeant: (event: StepEnd) => boolean): number {
  const index = events.findIndex((event) => isStepEnd(event) && isMeant(event));
  return index === -1 ? events.length : index;
}

function isStepEnd(event: Event): event is StepEnd {
  return event.type === "step.completed" || (event.type === "step.failed" && event.retryAt === null);
}

function copyOf(event: Event, outputs: NonNullable<Fork["outputs"]>): readonly EventBody[] {
  // What let a tool be called once does not let the fork call it again.
  if (event.type === "approval.answered" && event.argsHash !== undefined) return [];
  if (!isStepEnd(event) && event.type !== "signal.received" && event.type !== "approval.answered") return [];
  const { runId: _runId, seq: _seq, at: _at, hash: _hash, ...body } = event;
  const output = body.type === "step.completed" ? outputs[body.key] : undefined;
  if (body.type !== "step.completed") return [body];
  return [{ ...body, copied: true, ...(output !== undefined && { output }) }];
}
