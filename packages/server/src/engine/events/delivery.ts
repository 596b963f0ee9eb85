import { AppError, type Engine, type ErrorCode, type Json, type RunRecord, type StepKind, type Store } from "@tutti/core";
import { backoffMs } from "@tutti/core/resilience";
import type { CloudEvent } from "@tutti/core/wire";
import { setTimeout as pause } from "node:timers/promises";
import { derivedId } from "../run-id.ts";
import { taintOf } from "./publications.ts";
import { DEAD_LETTER } from "../supervisor/dead-letter.ts";
import { deliveryOf, type DeliveryStart, type Subscription } from "./subscription.ts";

/** A delivery that waits for longer than this leaves its place to others; a webhook may wait hours for its receiver to be well. */
const PATIENCE_MS = 10_000;
/** An engine that takes no runs now is asked again, as often as it takes: nothing is lost meanwhile. */
const BUSY_BACKOFF = { delayMs: 100, delayMaxMs: 30_000 };

const BUSY: ReadonlySet<ErrorCode> = new Set(["overloaded", "rate_limited", "storage_full", "storage_unwritable", "storage_unreachable"]);

/** What deliveries are made with. */
export interface DeliveryParts {
  readonly engine: Engine;
  readonly store: Store;
}

/**
 * One event on its way. `onRun` is told the id of its run. `onHeld` is told when the delivery needs no place among those at work any more,
 * but its key must wait: it waits itself, or it is a dead letter that somebody must look at.
 */
export interface Delivery {
  readonly subscription: Subscription;
  readonly event: CloudEvent;
  readonly onRun: (runId: string) => void;
  readonly onHeld: () => void;
}

/** How a delivery ended: done with, still open because Tutti stops, or showing that the target is not there (`isDone`: this event is). */
export type DeliveryEnd =
  | { readonly type: "done" }
  | { readonly type: "open" }
  | { readonly type: "targetGone"; readonly isDone: boolean; readonly reason: string };

/**
 * Delivers one event: starts a run under an id made from the subscription's epoch and the event, and waits for its end. So a crash at any
 * point costs nothing but doing this again: a run that is there is found, and so is the dead letter of one that failed. Throws when the end
 * could not be found out; then too it is done again.
 */
export async function deliver(parts: DeliveryParts, delivery: Delivery, signal: AbortSignal): Promise<DeliveryEnd> {
  const { subscription, event } = delivery;
  const runId = derivedId(`delivery\n${subscription.epoch}\n${event.source}\n${event.id}`);
  const start = deliveryOf(subscription, event, runId);
  if (start === undefined) return { type: "done" };
  delivery.onRun(runId);
  try {
    await startWhenPossible(parts.engine, { ...start, runId, subscription, ...taintOf(event) }, signal);
    // It may have been started before this process was, and wait already.
    if ((await parts.store.waits({ runId, limit: 1 })).some(isLongWait)) delivery.onHeld();
    await parts.engine.result(runId, signal);
    return { type: "done" };
  } catch (thrown) {
    const error = AppError.from(thrown);
    const record = await parts.store.run(runId);
    if (signal.aborted) return { type: "open" };
    if (record === undefined && error.code === "not_found") return { type: "targetGone", isDone: false, reason: error.message };
    if (isOver(record)) return { type: "done" };
    // It is not the run that failed, but the waiting for it.
    if (record !== undefined && (record.endedAt === null || (record.status === "continued" && isBusy(error)))) throw error;
    return bury(parts, { ...delivery, start, runId, error, hasRun: record !== undefined }, signal);
  }
}

/** Whether somebody who waits so does nothing for long: for a time, a signal or a person. */
export function isLongWait({ kind, until }: { readonly kind: StepKind; readonly until: string | null }): boolean {
  if (kind !== "sleep" && kind !== "signal" && kind !== "approval") return false;
  return until === null || Date.parse(until) - Date.now() > PATIENCE_MS;
}

/** Whether a run has done its work, or somebody decided that it need not be done. */
function isOver(record: RunRecord | undefined): boolean {
  return record?.status === "completed" || record?.status === "cancelled";
}

interface Failed extends Delivery {
  readonly start: DeliveryStart;
  readonly runId: string;
  readonly error: AppError;
  readonly hasRun: boolean;
}

/** Makes a dead letter of a failed delivery; with `onFailure: "stop"`, waits for what becomes of it. */
async function bury(parts: DeliveryParts, failed: Failed, signal: AbortSignal): Promise<DeliveryEnd> {
  const { subscription, event, runId } = failed;
  // Each dead letter is an event too: one about an event of another would have the next one follow, without end.
  if (event.type === DEAD_LETTER) return { type: "done" };
  const letterId = derivedId(`dead-letter\n${runId}`);
  const { code, message } = failed.error;
  try {
    await startWhenPossible(
      parts.engine,
      { workflow: DEAD_LETTER, input: letterOf(failed), runId: letterId, subscription, ...taintOf(event) },
      signal,
    );
    if (isGone(subscription, code)) return { type: "targetGone", isDone: true, reason: message };
    if (subscription.onFailure === "continue") return { type: "done" };
    failed.onHeld();
    await parts.engine.result(letterId, signal);
    return { type: "done" };
  } catch (thrown) {
    const letter = await parts.store.run(letterId);
    if (signal.aborted) return { type: "open" };
    if (isOver(letter)) return { type: "done" };
    throw thrown;
  }
}

/**
 * A run that failed can go on from the step that failed. A webhook's attempts are steps that succeeded in telling what the receiver said, so
 * it starts anew, with the id that the receiver may know.
 */
function letterOf({ subscription, start, runId, error: { code, message }, hasRun }: Failed): Json {
  const source = `subscription/${subscription.name}`;
  if (subscription.target.type !== "webhook") return { source, ...(hasRun && { runId }), ...start, error: { code, message } };
  return { source, ...start, error: { code, message: `${message}; its attempts are in run ${runId}` } };
}

/** A receiver that answered 410 wants nothing any more. */
function isGone({ target }: Subscription, code: ErrorCode): boolean {
  return target.type === "webhook" && code === "not_found";
}

/** Starts a run, or finds the one that has the id; asks again while the engine takes none. */
async function startWhenPossible(
  engine: Engine,
  run: DeliveryStart & { readonly runId: string; readonly subscription: Subscription; readonly tainted?: readonly string[] },
  signal: AbortSignal,
): Promise<void> {
  const { workflow, input, runId, subscription, tainted } = run;
  for (let attempt = 1; ; attempt += 1) {
    try {
      await engine.start(workflow, input, { runId, principal: subscription.principal, ...(tainted && { tainted }) });
      return;
    } catch (thrown) {
      const error = AppError.from(thrown);
      signal.throwIfAborted();
      if (!isBusy(error)) throw error;
    }
    await pause(backoffMs(attempt, BUSY_BACKOFF, Math.random()), undefined, { signal });
  }
}

/** Whether an error says that the engine or the store takes nothing now, and will again. */
export function isBusy({ code }: AppError): boolean {
  return BUSY.has(code);
}
