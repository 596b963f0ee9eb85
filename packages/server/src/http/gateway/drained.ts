import { clientStalled, type ResponseSink } from "../../models/index.ts";

/** A client that reads nothing for so long is taken to be gone: its answer holds a connection to a provider. */
const STALLED_MS = 120_000;

/** Resolves when there is room again, or nobody to write for; rejects when a client has stopped to read. */
export function drained(response: ResponseSink, stalledMs = STALLED_MS): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      stop();
      response.destroy();
      reject(clientStalled());
    }, stalledMs);
    const done = (): void => {
      stop();
      resolve();
    };
    const stop = (): void => {
      clearTimeout(timer);
      response.off("drain", done);
      response.off("close", done);
    };
    response.once("drain", done);
    response.once("close", done);
  });
}
