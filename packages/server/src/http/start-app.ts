import { openApp, writeServerFile, type App, type AppOptions } from "../host/index.ts";
import { listen } from "./listen.ts";

/** How an app is started. `port` overrides the configuration's. */
export interface StartAppOptions extends AppOptions {
  readonly port?: number;
}

/** An app that answers requests. */
export interface RunningApp {
  readonly url: string;
  readonly app: App;
  /** Lets requests and steps under way finish, each for at most `graceMs`. */
  stop(graceMs: number): Promise<void>;
}

/** Opens an app and listens. */
export async function startApp(config: App["config"], options: StartAppOptions): Promise<RunningApp> {
  await using starting = new AsyncDisposableStack();
  const app = await openApp(config, options);
  starting.defer(() => app.stop(0));
  const server = await listen(app, options.port === undefined ? {} : { port: options.port });
  starting.defer(async () => {
    await server.close(0);
    await server.closeDoors();
  });
  const file = options.isAnnounced
    ? await writeServerFile(config.dataDir, { url: server.url, pid: process.pid, token: app.localToken })
    : undefined;
  starting.move();
  return {
    url: server.url,
    app,
    async stop(graceMs) {
      await file?.[Symbol.asyncDispose]();
      // Runs halt first: requests that wait for them would otherwise hold the server open for the whole grace.
      const closing = server.close(graceMs);
      await server.settle();
      await app.stop(graceMs);
      await closing;
      // Whoever is in a jail had its door until the jail ended.
      await server.closeDoors();
    },
  };
}
