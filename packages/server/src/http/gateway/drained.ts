import type { ResponseSink } from "../../models/index.ts";

/** Resolves when there is room again, or nobody to write for. */
export function drained(response: ResponseSink): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      response.off("drain", done);
      response.off("close", done);
      resolve();
    };
    response.once("drain", done);
    response.once("close", done);
  });
}
