import { createClient, type Client } from "@tutti/client";
import type { Shell } from "./shell.ts";

/** A Tutti to talk to: the one that runs on the data folder, or one inside this process for as long as the command takes. */
export interface Connection extends AsyncDisposable {
  readonly client: Client;
  /** Where people reach it: a server's URL, or what will be its URL once `tutti up` runs. */
  readonly publicUrl: string;
  readonly isServer: boolean;
  /** Where it is reached from here, and with what. */
  readonly endpoint: { readonly url: string; readonly token: string };
  /** Goes on with an unfinished run; a server has done so when it started. */
  resume(runId: string): Promise<void>;
}

/** Finds the running server, or opens the data folder here and listens on a port of its own. Either way all goes through HTTP. */
export async function connect(shell: Shell, flags: Readonly<Record<string, string>> = {}): Promise<Connection> {
  // A server has its secrets; who talks to it needs none of them.
  const { config } = await shell.readConfigWithoutSecrets(flags);
  const { findServer } = await import("../host/index.ts");
  const server = await findServer(config.dataDir);
  if (server !== undefined) {
    return {
      client: createClient({ baseUrl: server.url, token: server.token }),
      publicUrl: server.url,
      isServer: true,
      endpoint: { url: server.url, token: server.token },
      resume: async () => undefined,
      [Symbol.asyncDispose]: async () => undefined,
    };
  }
  return openHere(await shell.readConfig(flags));
}

type Reading = Awaited<ReturnType<Shell["readConfig"]>>;

async function openHere({ config, file: configFile }: Reading): Promise<Connection> {
  const [{ startApp }, { createLogger }] = await Promise.all([import("../http/index.ts"), import("../host/index.ts")]);
  // What a run does is shown by the command itself; the log is for whoever looks for a fault.
  const logLevel = config.logLevel === "debug" || config.logLevel === "trace" ? config.logLevel : "silent";
  const logger = createLogger({ logLevel, logFormat: config.logFormat, destination: process.stderr });
  const own = { ...config, host: "127.0.0.1", rateLimitPerSecond: 1e6, rateLimitBurst: 1e6 };
  const running = await startApp(own, { logger, recover: "none", baseDir: process.cwd(), configFile, port: 0, isAnnounced: false });
  return {
    client: createClient({ baseUrl: running.url, token: running.app.localToken }),
    publicUrl: `http://${config.host}:${config.port}`,
    isServer: false,
    endpoint: { url: running.url, token: running.app.localToken },
    resume: async (runId) => void (await running.app.engine.recover(runId)),
    [Symbol.asyncDispose]: () => running.stop(config.shutdownGraceMs),
  };
}
