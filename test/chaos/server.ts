import { startApp } from "../../packages/server/src/http/index.ts";
import { configFrom } from "../../packages/server/src/host/config/index.ts";
import { createLogger } from "../../packages/server/src/telemetry/index.ts";
import { plugin } from "./plugin.ts";

// The server that the chaos tests kill: `node server.ts DATA_DIR`. It tells its URL and token on its first line.
const config = configFrom(
  {
    dataDir: String(process.argv[2]),
    port: 0,
    rateLimitPerSecond: 1e6,
    rateLimitBurst: 1e6,
    queues: [{ name: "narrow", concurrency: 2, queuedMax: 10_000 }],
  },
  process.cwd(),
);
const logger = createLogger({ logLevel: "silent", logFormat: "json", destination: process.stderr });
const { url, app } = await startApp(config, { logger, recover: "all", baseDir: process.cwd(), plugins: [plugin], isAnnounced: false });
process.stdout.write(`${JSON.stringify({ url, token: app.localToken })}\n`);
