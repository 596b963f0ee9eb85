import type { Store } from "@tutti/core";

/** What a log and the file of actions say together. */
export interface Repeated {
  /** Keys of steps of which an action began after their end was recorded, or whose end was recorded twice. */
  readonly repeated: readonly string[];
  readonly steps: number;
  /** How often another process went on with a run. */
  readonly resumed: number;
}

/** Finds steps that were done again. `effects` has a line for each action that began: its idempotency key and when. */
export async function findRepeated(store: Store, effects: string): Promise<Repeated> {
  const endedAtMs = new Map<string, number>();
  const repeated: string[] = [];
  let resumed = 0;
  for (let afterPosition = 0; ;) {
    const page = await store.log({ afterPosition, limit: 1000 });
    for (const { event } of page) {
      if (event.type === "run.resumed") resumed += 1;
      if (event.type !== "step.completed") continue;
      const key = `${event.runId}/${event.key}`;
      if (endedAtMs.has(key)) repeated.push(key);
      endedAtMs.set(key, Date.parse(event.at));
    }
    const last = page.at(-1);
    if (last === undefined) break;
    afterPosition = last.position;
  }
  for (const line of effects.trim().split("\n")) {
    const [key = "", atMs] = line.split(" ");
    if (Number(atMs) > (endedAtMs.get(key) ?? Infinity)) repeated.push(key);
  }
  return { repeated, steps: endedAtMs.size, resumed };
}
