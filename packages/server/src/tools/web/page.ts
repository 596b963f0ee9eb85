import { Worker } from "node:worker_threads";
import { AppError } from "@tutti/core";

/** What a page says to people. */
export interface Page {
  readonly title: string;
  readonly byline: string | null;
  readonly text: string;
  readonly links: readonly { readonly url: string; readonly text: string }[];
}

/** A page as it came, and from where. */
export interface PageSource {
  readonly html: string;
  readonly url: string;
}

const TIMEOUT_MS = 10_000;
const HEAP_MEBIBYTES_MAX = 256;
const STACK_MEBIBYTES = 4;
const READERS_MAX = 4;

let readers = 0;

/**
 * Reads a page in a thread of its own, which is ended when it takes too long or too much: some pages are made to be hard to read, and
 * reading is work without a pause.
 */
export async function readPage(source: PageSource, signal: AbortSignal): Promise<Page> {
  if (readers >= READERS_MAX) throw new AppError("overloaded", `wanted at most ${READERS_MAX} pages to be read at once, got one more`);
  readers += 1;
  const extension = import.meta.url.endsWith(".ts") ? "ts" : "js";
  const worker = new Worker(new URL(`./read-page.${extension}`, import.meta.url), {
    workerData: source,
    resourceLimits: { maxOldGenerationSizeMb: HEAP_MEBIBYTES_MAX, stackSizeMb: STACK_MEBIBYTES },
    stdout: true,
    stderr: true,
  });
  try {
    return await answerOf(worker, AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]));
  } catch (error) {
    signal.throwIfAborted();
    const why = error instanceof Error ? error.message : String(error);
    throw new AppError("unsupported", `wanted a page that can be read within ${TIMEOUT_MS} ms, got one that cannot: ${why}`, {
      cause: error,
    });
  } finally {
    await worker.terminate();
    readers -= 1;
  }
}

function answerOf(worker: Worker, signal: AbortSignal): Promise<Page> {
  return new Promise((resolve, reject) => {
    worker.once("message", (page: Page) => resolve(page));
    worker.once("error", reject);
    worker.once("exit", () => reject(new Error("its reader ended")));
    signal.addEventListener("abort", () => reject(signal.reason as Error), { once: true });
  });
}
