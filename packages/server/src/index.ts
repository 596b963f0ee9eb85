import type { Event, Json, Plugin } from "@tutti/core";
import { configFrom } from "./host/config/index.ts";
import { openApp as openHost } from "./host/index.ts";
import { createLogger } from "./telemetry/index.ts";

export { AppError, canonicalJson, defineWorkflow } from "@tutti/core";
export type {
  AgentSpec,
  Branch,
  ErrorCode,
  Event,
  Json,
  Message,
  Model,
  ModelPart,
  ModelRequest,
  Plugin,
  Policy,
  Principal,
  RunContext,
  Schema,
  Tool,
  Workflow,
} from "@tutti/core";

/** How to open Tutti inside a program: where its data lives, and what it can do. */
export interface OpenOptions {
  readonly dataDir: string;
  readonly plugins?: readonly Plugin[];
}

/** Tutti inside a program: the same runs, journal and receipts, without a server. */
export interface Tutti extends AsyncDisposable {
  /** Runs a workflow to its end. */
  run(workflow: string, input: Json): Promise<{ readonly runId: string; readonly output: Json }>;
  /** A run's events so far, at most the first 1,000. */
  events(runId: string): Promise<readonly Event[]>;
}

/** Opens Tutti on a data folder and goes on with the runs that were under way there. Logs nothing but failures, to stderr. */
export async function openApp(options: OpenOptions): Promise<Tutti> {
  const config = configFrom({ dataDir: options.dataDir, plugins: [] }, process.cwd());
  const logger = createLogger({ logLevel: "error", logFormat: "auto", destination: process.stderr });
  const app = await openHost(config, {
    logger,
    recover: "all",
    isAnnounced: false,
    baseDir: process.cwd(),
    plugins: options.plugins ?? [],
  });
  const principal = { id: "owner", tenant: "default", roles: ["owner"] };
  return {
    async run(workflow, input) {
      const { runId } = await app.engine.start(workflow, input, { principal });
      return { runId, output: await app.engine.result(runId, new AbortController().signal) };
    },
    events: (runId) => app.store.read(runId, { afterSeq: 0, limit: 1000 }),
    [Symbol.asyncDispose]: () => app.stop(config.shutdownGraceMs),
  };
}
