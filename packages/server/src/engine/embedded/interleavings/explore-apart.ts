import { once } from "node:events";
import { parentPort, Worker, workerData } from "node:worker_threads";
import { explore, type Exploration } from "./explore.ts";
import { smallScopes, stepsScope } from "./scopes.ts";

/** Which scope: one of the small ones by name, or many runs of many steps. */
export type Place = { readonly name: string } | { readonly runs: number; readonly steps: number };

/** Explores in a thread of its own, one scope after the other: a test runner follows every promise, and here are hundreds of millions. */
export class ExplorerThread implements AsyncDisposable {
  readonly #worker = new Worker(new URL(import.meta.url), {
    workerData: ExplorerThread.name,
    execArgv: ["--disable-warning=ExperimentalWarning"],
  });

  async explore(place: Place): Promise<Exploration> {
    const answer = once(this.#worker, "message");
    this.#worker.postMessage(place);
    return ((await answer) as [Exploration])[0];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#worker.terminate();
  }
}

if (workerData === ExplorerThread.name) parentPort?.on("message", (place: Place) => void answer(place));

async function answer(place: Place): Promise<void> {
  const scope = "name" in place ? smallScopes.find(({ name }) => name === place.name) : stepsScope(place, { isSymmetric: true });
  if (scope !== undefined) parentPort?.postMessage(await explore(scope));
}
