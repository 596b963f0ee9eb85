import { EXIT } from "./shell.ts";

/**
 * Aborts when this process is asked to end: by Ctrl-C, by SIGTERM, or because the launcher that started it is gone. Asked twice, it ends at
 * once; nothing is lost by that, because runs go on from their journal.
 */
export function interruption(): AbortSignal {
  const controller = new AbortController();
  const stop = (): void => {
    if (controller.signal.aborted) process.exit(EXIT.interrupted);
    controller.abort();
  };
  for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(name, stop);
  process.once("disconnect", () => controller.abort());
  // Listening to the launcher must not keep a command alive that is done.
  process.channel?.unref();
  return controller.signal;
}
