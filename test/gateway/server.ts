import { configFrom } from "../../packages/server/src/host/config/index.ts";
import { startApp } from "../../packages/server/src/http/index.ts";
import { createLogger } from "../../packages/server/src/telemetry/index.ts";

// A server that tests kill: `node server.ts SETTINGS`, the settings as JSON. It tells its URL and token on its first line.
const settings = JSON.parse(String(process.argv[2])) as Parameters<typeof configFrom>[0];
const config = configFrom({ port: 0, rateLimitPerSecond: 1e6, rateLimitBurst: 1e6, plugins: [], ...settings }, process.cwd());
const logger = createLogger({ logLevel: "silent", logFormat: "json", destination: process.stderr });
const { url, app } = await startApp(config, { logger, recover: "all", baseDir: process.cwd(), isAnnounced: false });
process.stdout.write(`${JSON.stringify({ url, token: app.localToken })}\n`);
