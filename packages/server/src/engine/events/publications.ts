import type { BlobRef, Engine, Event, Json, Store } from "@tutti/core";
import type { CloudEvent } from "@tutti/core/wire";

/** Where publications are read from. */
export type Journal = Pick<Store, "log" | "getBlob">;

/** One publication in the log. Positions grow; there is no `event` where it is none that the reader wants. */
export interface Publication {
  readonly position: number;
  readonly event: CloudEvent | undefined;
}

/** The extension attribute of events that hold untrusted content, or that runs emitted after they had read some: its sources. */
const TAINT_ATTRIBUTE = "tuttitaint";

/** The sources of untrusted content in an event, as a field of what follows from it. */
export function taintOf(event: CloudEvent): { readonly tainted?: readonly string[] } {
  const sources = event[TAINT_ATTRIBUTE];
  return typeof sources === "string" && sources !== "" ? { tainted: sources.split(" ") } : {};
}

/** The sources of untrusted content, as an event's attribute. */
export function taintAttribute(sources: readonly string[]): Readonly<Record<string, string>> {
  return { [TAINT_ATTRIBUTE]: sources.join(" ") };
}

/** Publications after a position, oldest first, at most 1,000 of them. */
export async function readPublications(
  journal: Journal,
  { after, limit }: { readonly after: number; readonly limit: number },
): Promise<readonly Publication[]> {
  const entries = await journal.log({ afterPosition: after, limit, only: "emits" });
  return Promise.all(entries.map(async ({ position, event }) => ({ position, event: await toCloudEvent(journal, event) })));
}

/** Tells that there may be more to read: at once of what this node published, and of whatever others wrote. Listeners must not throw. */
export function onPublished(
  { engine, store }: { readonly engine: Pick<Engine, "subscribe">; readonly store: Pick<Store, "changes"> },
  listener: () => void,
): Disposable {
  const own = engine.subscribe((event) => {
    if ("kind" in event && event.kind === "emit") listener();
  });
  const others = store.changes(() => listener());
  return {
    [Symbol.dispose]: () => {
      own[Symbol.dispose]();
      others[Symbol.dispose]();
    },
  };
}

/**
 * The position of the last publication for which `isPast` does not hold yet; 0 when there is none. `isPast` must hold from some publication
 * on. The log is asked for about two publications a binary digit of its length, whatever its length is.
 */
export async function lastBefore(journal: Journal, isPast: (event: Event) => boolean): Promise<number> {
  const firstAfter = async (position: number): Promise<number | undefined> => {
    const [first] = await journal.log({ afterPosition: position, limit: 1, only: "emits" });
    return first === undefined || isPast(first.event) ? undefined : first.position;
  };
  // What is searched for is the least position after which nothing but the past stands: `low` is before it, `high` is not.
  let low = -1;
  let high = 0;
  for (let found = await firstAfter(high); found !== undefined; found = await firstAfter(high)) {
    low = found - 1;
    high = found * 2;
  }
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    const found = await firstAfter(middle);
    if (found === undefined) high = middle;
    else low = found - 1;
  }
  return high;
}

/**
 * An event of the log as a CloudEvent. What came from outside was one already; what a workflow emitted gets its run as `source` and its step
 * as `id`, which together are unique, and its key as `partitionkey`.
 */
async function toCloudEvent(journal: Journal, event: Event): Promise<CloudEvent | undefined> {
  if (event.type === "run.recorded") return event.outcome.ok ? ((await valueOf(journal, event.outcome.output)) as CloudEvent) : undefined;
  if (event.type !== "step.completed") return undefined;
  return {
    specversion: "1.0",
    id: event.key,
    source: `/v1/runs/${event.runId}`,
    type: event.name,
    time: event.at,
    datacontenttype: "application/json",
    ...(event.partitionKey !== undefined && { partitionkey: event.partitionKey }),
    ...(event.tainted && taintAttribute(event.tainted)),
    data: await valueOf(journal, event.output),
  };
}

/** Large values stand in the blob store. */
async function valueOf(journal: Journal, value: Json): Promise<Json> {
  if (typeof value !== "object" || value === null || !("$blob" in value)) return value;
  return JSON.parse(await journal.getBlob(value as Json & BlobRef)) as Json;
}
