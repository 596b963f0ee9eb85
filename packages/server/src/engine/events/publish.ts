import { AppError, canonicalJson, type Engine, type Principal, type Store } from "@tutti/core";
import type { CloudEvent } from "@tutti/core/wire";
import { derivedId } from "../run-id.ts";

/** A larger event is refused: what is large belongs elsewhere, with a link to it in the event. */
const EVENT_CHARS_MAX = 1_048_576;

/** How often an event may be refused by policy before its id is used up: each refusal is a run of its own in the log. */
const REFUSALS_MAX = 20;

/** An event that is in the log. `isDuplicate`: it was there before, under the same source and id. */
export interface Published {
  readonly id: string;
  readonly source: string;
  readonly runId: string;
  readonly isDuplicate: boolean;
}

/**
 * Publishes an event from outside, if policy lets the principal (`event.publish`); it is durable when this resolves. The run that records it
 * has an id made from the event's source and id, so the same event again changes nothing, whoever sends it and through whichever node.
 */
export async function publish(
  { engine, store }: { readonly engine: Engine; readonly store: Store },
  event: CloudEvent,
  principal: Principal,
): Promise<Published> {
  const { id, source, type } = event;
  const text = canonicalJson(event);
  if (text.length > EVENT_CHARS_MAX)
    throw new AppError(
      "too_large",
      `wanted an event of at most ${EVENT_CHARS_MAX} characters, got ${text.length}; put the data elsewhere and link it`,
    );
  if (type.startsWith("tutti."))
    throw new AppError("invalid_input", `wanted a type of your own, got "${type}"; types that begin with "tutti." are Tutti's`);
  const { runId, isDuplicate } = await placeOf(store, event);
  if (isDuplicate) return { id, source, runId, isDuplicate };
  const input = { id, source, type, sizeChars: text.length };
  const recorded = engine.record({ runId, workflow: "tutti.publish", action: "event.publish", kind: "emit", name: type, input }, principal);
  if (!(await recorded.complete(event)))
    throw new AppError("storage_unwritable", `the event could not be written: ${JSON.stringify(store.health())}`);
  return { id, source, runId, isDuplicate: false };
}

/** The run of an event: the one that published it, or the one that will. Runs in which policy refused it do not count. */
async function placeOf(store: Store, { source, id }: CloudEvent): Promise<{ readonly runId: string; readonly isDuplicate: boolean }> {
  for (let refusals = 0; refusals < REFUSALS_MAX; refusals += 1) {
    const runId = derivedId(`event\n${source}\n${id}\n${refusals}`);
    const run = await store.run(runId);
    if (run?.status !== "failed") return { runId, isDuplicate: run !== undefined };
  }
  throw new AppError(
    "conflict",
    `wanted an event that was not refused ${REFUSALS_MAX} times, got "${id}" of ${source}; give it another id`,
  );
}
