import type { Wait } from "@tutti/core";
import type { App } from "../host/index.ts";

/** Runs of one conversation whose questions are looked for: an agent and what it starts. */
const RUNS_MAX = 100;
/** Questions of one run that are told at once. */
const WAITS_MAX = 20;

/** What a run and its children ask of people. */
export interface Questions extends Disposable {
  /** Those that have not been told; `isLookedFor` also where no event told of one, because another node runs it. */
  take(options: { readonly isLookedFor: boolean }): Promise<readonly Wait[]>;
}

/** Listens for what a run and its children ask; `onAsked` is called when there may be something new. */
export function questionsOf(app: App, runId: string, onAsked: () => void): Questions {
  const runs = new Set([runId]);
  const told = new Set<string>();
  let hasNews = true;
  const listening = app.engine.subscribe((event) => {
    if (event.type === "run.started" && event.parent !== undefined && runs.has(event.parent.runId) && runs.size < RUNS_MAX)
      runs.add(event.runId);
    if (event.type !== "step.waiting" || event.approval === undefined || !runs.has(event.runId)) return;
    hasNews = true;
    onAsked();
  });
  return {
    async take({ isLookedFor }) {
      if (!hasNews && !isLookedFor) return [];
      hasNews = false;
      const waits = await Promise.all([...runs].map((id) => app.store.waits({ runId: id, kind: "approval", limit: WAITS_MAX })));
      return waits.flat().filter((wait) => {
        // What somebody changed is asked again, under the same key.
        const name = `${wait.runId}/${wait.key}/${wait.approval?.call?.argsHash ?? ""}`;
        return !told.has(name) && told.add(name);
      });
    },
    [Symbol.dispose]: () => listening[Symbol.dispose](),
  };
}
