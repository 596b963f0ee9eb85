import { AppError, type ChainVerdict } from "@tutti/core";
import type { VerifyRequest } from "./verify-worker.ts";

/** Checks a log's hash chain here, in this browser, and not on the page's own thread: a long log takes a while. */
export async function verifyHere(request: VerifyRequest, signal: AbortSignal): Promise<ChainVerdict> {
  const worker = new Worker(new URL("./verify-worker.ts", import.meta.url), { type: "module" });
  const { promise, resolve, reject } = Promise.withResolvers<ChainVerdict>();
  worker.addEventListener("message", ({ data }: MessageEvent<{ readonly verdict: ChainVerdict } | { readonly failure: string }>) =>
    "verdict" in data ? resolve(data.verdict) : reject(new AppError("internal", data.failure)),
  );
  worker.addEventListener("error", () => reject(new AppError("internal", "the check of the log’s hashes could not run in this browser")));
  signal.addEventListener("abort", () => reject(AppError.from(signal.reason)), { once: true });
  try {
    worker.postMessage(request);
    return await promise;
  } finally {
    worker.terminate();
  }
}
