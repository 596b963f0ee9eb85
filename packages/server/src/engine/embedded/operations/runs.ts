import { AppError, type Json } from "@tutti/core";
import { iso } from "../../clock.ts";
import { derivedId } from "../../run-id.ts";
import type { ReceivedSignal } from "../history.ts";
import type { Operation, OperationCall, Performed, RunParts } from "../operation.ts";
import { tried } from "./tried.ts";
import { done, type OtherRunOptions, type Workbench } from "./workbench.ts";

/** How often a refused start is tried again: a full queue or a busy machine gets time to recover. */
const SPAWN_ATTEMPTS_MAX = 20;
const SEND_ATTEMPTS_MAX = 10;

/** A child run: started, waited for, and cancelled with its parent. */
export function startChild(
  bench: Workbench,
  workflow: string,
  child: { readonly input: Json; readonly limits?: OtherRunOptions["limits"] },
): Operation {
  return {
    kind: "workflow",
    name: workflow,
    abandon: (key) => abandonChild(bench, key),
    perform: async (call) => {
      const runId = derivedId(`${bench.run.runId}/${call.key}`);
      const started = Promise.withResolvers<void>();
      // A child that is still being started cannot be found yet: it would never hear of it.
      const cancelChild = (reason: string): Promise<void> =>
        started.promise.then(() => bench.runs.cancel(runId, reason)).catch(() => undefined);
      const stopListening = call.scope.onClose(({ message }) => void cancelChild(message));
      const parent = placeBelow(bench, call.key);
      const limits = bench.budget.left(child.limits);
      const known = { ...bench.taint.field, ...bench.calls.belowField(call.key) };
      const start = (): Promise<void> =>
        bench.runs.start(workflow, child.input, { runId, parent, isChild: true, limits, ...known }).finally(started.resolve);
      return waitForEnd(bench, call, { runId, start }).finally(stopListening);
    },
  };
}

/** Cancels a child that an earlier process may have begun. */
export function abandonChild(bench: Workbench, key: string): void {
  const runId = derivedId(`${bench.run.runId}/${key}`);
  void bench.runs.cancel(runId, "the branch of its parent has ended").catch(() => undefined);
}

/** The place of a run that another starts. */
function placeBelow({ run }: Workbench, key: string): NonNullable<RunParts["parent"]> {
  return { runId: run.runId, key, depth: (run.parent?.depth ?? 0) + 1 };
}

/** Waits for a run that was spawned. */
export function join(bench: Workbench, runId: string): Operation {
  return { kind: "workflow", name: runId, perform: (call) => waitForEnd(bench, call, { runId, start: () => Promise.resolve() }) };
}

/** Starts a run of its own. */
export function spawn(bench: Workbench, workflow: string, run: { readonly input: Json } & Partial<OtherRunOptions>): Operation {
  return tried(bench, { kind: "spawn", name: workflow, options: { attemptsMax: SPAWN_ATTEMPTS_MAX } }, async ({ key }) => ({
    action: async () => {
      const runId = run.runId ?? derivedId(`${bench.run.runId}/${key}`);
      const { input, limits, queue } = run;
      await bench.runs.start(workflow, input, {
        runId,
        parent: placeBelow(bench, key),
        isChild: false,
        limits,
        queue,
        ...bench.taint.field,
        ...bench.calls.belowField(key),
      });
      return runId;
    },
  }));
}

/** Sends a signal to another run; a crash in between does not send it twice. */
export function send(bench: Workbench, runId: string, signal: ReceivedSignal): Operation {
  return tried(bench, { kind: "send", name: signal.name, options: { attemptsMax: SEND_ATTEMPTS_MAX } }, async ({ key }) => ({
    action: () => bench.runs.signal(runId, { id: derivedId(`${bench.run.runId}/${key}`), ...signal, ...bench.taint.field }),
  }));
}

/** Cancels another run; that it has ended already is as good. */
export function cancel(bench: Workbench, runId: string, reason: string): Operation {
  return tried(bench, { kind: "send", name: "cancel", options: { attemptsMax: SEND_ATTEMPTS_MAX } }, async () => ({
    action: () =>
      bench.runs.cancel(runId, reason).catch((error: unknown) => {
        if (AppError.from(error).code !== "conflict") throw error;
      }),
  }));
}

async function waitForEnd(
  bench: Workbench,
  call: OperationCall,
  run: { readonly runId: string; readonly start: () => Promise<void> },
): Promise<Performed> {
  const startedAtMs = bench.clock.nowMs();
  const stopped = Promise.withResolvers<never>();
  // The run may be stopped before anybody waits.
  stopped.promise.catch(() => undefined);
  const left = new AbortController();
  const stopListening = call.scope.onStop(stopped.reject);
  let goesOn = (): void => undefined;
  try {
    await run.start();
    goesOn = call.idle({ kind: "workflow", name: run.runId, since: iso(startedAtMs), until: null });
    const { outcome, usage, tainted, calls } = await Promise.race([bench.runs.end(run.runId, left.signal), stopped.promise]);
    if (usage !== undefined) bench.budget.add(usage);
    if (tainted !== undefined) bench.taint.add(tainted);
    if (calls !== undefined) bench.calls.addAll(calls);
    return { ...done(bench, startedAtMs, null), outcome, usage, tainted, calls };
  } catch (thrown) {
    if (call.scope.isStopped) throw thrown;
    const { code, message } = AppError.from(thrown);
    return { ...done(bench, startedAtMs, null), outcome: { ok: false, code, message } };
  } finally {
    goesOn();
    stopListening();
    left.abort();
  }
}
