import { AppError, verifyChain, type Event } from "@tutti/core";
import { sha256 } from "./sha256.ts";

/** What the worker is asked: whether these events are what was journaled. */
export interface VerifyRequest {
  readonly events: readonly Event[];
  readonly head: string;
}

addEventListener("message", ({ data }: MessageEvent<VerifyRequest>) => {
  try {
    postMessage({ verdict: verifyChain(data.events, data.head, sha256) });
  } catch (thrown) {
    postMessage({ failure: AppError.from(thrown).message });
  }
});
