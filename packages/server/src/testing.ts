import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Plugin } from "@tutti/core";
import { configFrom, type Config } from "./host/config/index.ts";
import { startApp, type RunningApp } from "./http/index.ts";
import { createLogger } from "./telemetry/index.ts";

export { startReverseProxy, type ReverseProxy, type ReverseProxyOptions } from "./testing/reverse-proxy.ts";

/** A whole Tutti on a free port with a data folder of its own, for tests. */
export interface TestApp extends AsyncDisposable {
  readonly url: string;
  readonly token: string;
  readonly dataDir: string;
  readonly app: RunningApp["app"];
  /** A request with the token; a body is sent as JSON. */
  fetch(path: string, body?: unknown): Promise<Response>;
}

/** Starts one; `config` replaces any setting. The folder is removed at the end unless it was given. */
export async function startTestApp(
  options: Partial<Config> & { readonly plugins?: readonly string[]; readonly inlinePlugins?: readonly Plugin[] } = {},
): Promise<TestApp> {
  const { inlinePlugins = [], ...overrides } = options;
  const dataDir = options.dataDir ?? (await mkdtemp(join(tmpdir(), "tutti-test-")));
  const config = configFrom({ port: 0, rateLimitPerSecond: 1e6, rateLimitBurst: 1e6, ...overrides, dataDir }, process.cwd());
  const logger = createLogger({ logLevel: "silent", logFormat: "json", destination: process.stderr });
  const running = await startApp(config, { logger, recover: "all", baseDir: process.cwd(), plugins: inlinePlugins, isAnnounced: true });
  const token = options.token ?? running.app.localToken;
  return {
    url: running.url,
    token,
    dataDir,
    app: running.app,
    fetch: (path, body) =>
      fetch(new URL(path, running.url), {
        headers: { authorization: `Bearer ${token}`, ...(body !== undefined && { "content-type": "application/json" }) },
        ...(body !== undefined && { method: "POST", body: JSON.stringify(body) }),
      }),
    async [Symbol.asyncDispose]() {
      await running.stop(1000);
      if (options.dataDir === undefined) await rm(dataDir, { recursive: true, force: true });
    },
  };
}
