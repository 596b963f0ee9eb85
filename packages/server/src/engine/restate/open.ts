import { join } from "node:path";
import { AppError, type Engine, type QueueConfig, type Store } from "@tutti/core";
import type { EngineParts } from "../effects.ts";
import { SERVICE } from "./client.ts";
import { startRestate } from "./local-server.ts";
import { RestateEngine } from "./restate-engine.ts";

/** The engine on Restate as settings describe it. */
export interface RestateSettings {
  readonly engine: "restate" | "restate-local";
  readonly restateUrls: readonly string[];
  readonly restateAdminUrls: readonly string[];
  readonly restateIdentityKey: string | undefined;
  readonly restateListenHost: string;
  readonly restateListenPort: number;
  readonly restateWorkerUrl: string | undefined;
  readonly dataDir: string;
  readonly runsActiveMax: number;
  readonly queues: readonly QueueConfig[];
}

/** What the engine finds things in, and whom it tells of attempts that broke off. */
export interface RestateSources {
  readonly store: Store;
  readonly parts: EngineParts;
  readonly log: (level: "info" | "warn", message: string) => void;
}

/** Opens the engine on a cluster, or on a server that it starts in the data folder and ends with itself. */
export async function openRestate(settings: RestateSettings, { store, parts, log }: RestateSources): Promise<Engine> {
  const { restateListenHost: host, restateListenPort: port, restateWorkerUrl: publicUrl, runsActiveMax, queues } = settings;
  const common = { store, parts, runsActiveMax, queues, ...(publicUrl !== undefined && { publicUrl }) };
  if (settings.engine === "restate") {
    const { restateUrls: urls, restateAdminUrls: adminUrls, restateIdentityKey: key } = settings;
    if (urls.length === 0 || adminUrls.length === 0)
      throw new AppError(
        "invalid_config",
        "the engine restate needs restateUrl and restateAdminUrl, the addresses of a cluster, got none; or use restate-local",
      );
    const endpoint = { host, port, log, identityKeys: key === undefined ? [] : [key] };
    return RestateEngine.open({ ...common, endpoint, restate: { urls, adminUrls, service: SERVICE } });
  }
  const server = await startRestate(join(settings.dataDir, "restate"));
  const endpoint = { host: "127.0.0.1", port, log, identityKeys: [server.identityKey] };
  return RestateEngine.open({ ...common, endpoint, restate: server.address, onStopped: () => server.stop() });
}
