import type { Engine, Event, Json, Plugin, Principal, QueueConfig, StartOptions, Wait } from "@tutti/core";
import { configFrom } from "./host/config/index.ts";
import { openApp as openHost } from "./host/index.ts";
import { createLogger } from "./telemetry/index.ts";

export { AppError, canonicalJson, defineWorkflow } from "@tutti/core";
export type {
  AgentSpec,
  Approval,
  ApprovalRequest,
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
  readonly queues?: readonly QueueConfig[];
}

/** Tutti inside a program: the same runs, journal and receipts, without a server. */
export interface Tutti extends AsyncDisposable {
  /** Runs a workflow to its end. */
  run(workflow: string, input: Json): Promise<{ readonly runId: string; readonly output: Json }>;
  /** Starts a run and leaves it to itself; its owner is who opened the app. */
  start(workflow: string, input: Json, options?: Omit<StartOptions, "principal">): Promise<{ readonly runId: string }>;
  /** What a run that was started gives at its end; throws its error when it fails. */
  result(runId: string): Promise<Json>;
  /** What a run waits for now. */
  waits(runId: string): Promise<readonly Wait[]>;
  /** Everything else there is to do with runs: signal, answer, query, fork, resume, replay, cancel. Each asks who does it: `owner`. */
  readonly engine: Engine;
  readonly owner: Principal;
  /** A run's events so far, at most the first 1,000. */
  events(runId: string): Promise<readonly Event[]>;
}

/** Opens Tutti on a data folder and goes on with the runs that were under way there. Logs nothing but failures, to stderr. */
export async function openApp(options: OpenOptions): Promise<Tutti> {
  const config = configFrom({ dataDir: options.dataDir, plugins: [], queues: options.queues ?? [] }, process.cwd());
  const logger = createLogger({ logLevel: "error", logFormat: "auto", destination: process.stderr });
  const app = await openHost(config, {
    logger,
    recover: "all",
    isAnnounced: false,
    baseDir: process.cwd(),
    plugins: options.plugins ?? [],
  });
  const owner: Principal = { id: "owner", tenant: "default", roles: ["owner"] };
  const start: Tutti["start"] = (workflow, input, more) => app.engine.start(workflow, input, { ...more, principal: owner });
  const result: Tutti["result"] = (runId) => app.engine.result(runId, new AbortController().signal);
  return {
    engine: app.engine,
    owner,
    start,
    result,
    async run(workflow, input) {
      const { runId } = await start(workflow, input);
      return { runId, output: await result(runId) };
    },
    waits: (runId) => app.store.waits({ runId, limit: 1000 }),
    events: (runId) => app.store.read(runId, { afterSeq: 0, limit: 1000 }),
    [Symbol.asyncDispose]: () => app.stop(config.shutdownGraceMs),
  };
}
