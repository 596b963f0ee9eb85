import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import type { Load, Measured } from "./measure.ts";
import type { Answer, Request } from "./subject-process.ts";

/** A subject that waits in its own process for its turn. */
export interface RemoteSubject extends AsyncDisposable {
  readonly name: string;
  readonly version: string;
  readonly settings: string;
  measure(load: Load): Promise<Measured>;
}

const OPEN_MS_MAX = 120_000;
const MEASURE_MS_MAX = 600_000;
const CLOSE_MS_MAX = 30_000;
/** As much of what a subject printed as is shown when it fails. */
const PRINTED_CHARACTERS_MAX = 1000;

/** Opens a subject in a process of its own; rejects with the reason when it does not start. */
export async function openRemote(module: string, folder: string): Promise<RemoteSubject> {
  const child = fork(join(import.meta.dirname, "subject-process.ts"), [module, folder], {
    execArgv: ["--disable-warning=ExperimentalWarning"],
    stdio: ["ignore", "ignore", "pipe", "ipc"],
  });
  let printed = "";
  child.stderr?.on("data", (chunk: Buffer) => (printed = `${printed}${chunk.toString()}`.slice(-PRINTED_CHARACTERS_MAX)));
  const ask = async (request: Request | undefined, msMax: number): Promise<Answer> => {
    const answered = nextAnswer(child, () => printed, msMax);
    if (request !== undefined) child.send(request);
    return answered;
  };
  try {
    const opened = expect(await ask(undefined, OPEN_MS_MAX), "opened");
    return {
      ...opened,
      measure: async (load) => expect(await ask({ type: "measure", load }, MEASURE_MS_MAX), "measured").measured,
      async [Symbol.asyncDispose]() {
        if (child.exitCode === null && child.signalCode === null) await ask({ type: "close" }, CLOSE_MS_MAX).catch(() => undefined);
        await end(child);
      },
    };
  } catch (error) {
    await end(child);
    throw error;
  }
}

function nextAnswer(child: ChildProcess, printed: () => string, msMax: number): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  const onExit = (): void => reject(new Error(`its process ended: ${printed().trim()}`));
  const timer = setTimeout(() => reject(new Error(`no answer in ${msMax} ms: ${printed().trim()}`)), msMax);
  child.once("message", resolve);
  child.once("exit", onExit);
  return promise.finally(() => {
    clearTimeout(timer);
    child.off("message", resolve);
    child.off("exit", onExit);
  });
}

function expect<T extends Answer["type"]>(answer: Answer, type: T): Extract<Answer, { readonly type: T }> {
  if (answer.type === type) return answer as Extract<Answer, { readonly type: T }>;
  throw new Error(answer.type === "failed" ? answer.message : `wanted the answer "${type}", got "${answer.type}"`);
}

/** A process that does not end by itself is ended, once its own clean-up had its time. */
async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, "exit");
  const timer = setTimeout(() => child.kill("SIGKILL"), CLOSE_MS_MAX);
  if (child.connected) child.disconnect();
  await exited;
  clearTimeout(timer);
}
