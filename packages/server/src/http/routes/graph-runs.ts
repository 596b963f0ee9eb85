import { AppError, type Event, type Json, type Principal, type RunRecord } from "@tutti/core";
import {
  AMEND_SIGNAL,
  AMENDED_EVENT,
  AMENDMENT_REFUSED_EVENT,
  readGraphRun,
  type GraphProblem,
  type GraphReading,
} from "@tutti/core/graph";
import type { App } from "../../host/index.ts";
import { readAll } from "./run-queries.ts";

/** How long a run may take to say what it makes of an amendment. */
const VERDICT_MS = 30_000;
/** How often its log is looked at when another node runs it. */
const LOOK_MS = 500;
const PAGE = 1_000;

/** The run's graph as its log tells it, or `conflict` when it is no run of a graph. */
export async function graphRun(app: App, runId: string): Promise<GraphReading> {
  const events = await Promise.all((await readAll(app, runId)).map((event) => withValues(app, event)));
  const reading = readGraphRun(events);
  if (reading === undefined)
    throw new AppError("conflict", `wanted a run of a graph, got ${runId}, which is none; \`GET /v1/runs/${runId}\` shows it`);
  return reading;
}

/** The event with what stands in blobs, as far as a graph's reading needs it. */
async function withValues(app: App, event: Event): Promise<Event> {
  if (event.type === "run.started") return { ...event, input: await valueOf(app, event.input) };
  if (event.type === "signal.received" && event.name === AMEND_SIGNAL) return { ...event, value: await valueOf(app, event.value) };
  if (event.type === "step.completed" && (event.kind === "step" || event.kind === "emit"))
    return { ...event, output: await valueOf(app, event.output) };
  return event;
}

async function valueOf(app: App, value: Json): Promise<Json> {
  if (typeof value !== "object" || value === null || !("$blob" in value)) return value;
  const { $blob, sizeBytes } = value as { readonly [key: string]: Json };
  return typeof $blob === "string" && typeof sizeBytes === "number"
    ? (JSON.parse(await app.store.getBlob({ $blob, sizeBytes })) as Json)
    : value;
}

/** What a run makes of an amendment. */
type Answer =
  | { readonly isAccepted: true; readonly data: Json }
  | { readonly isAccepted: false; readonly problems: readonly GraphProblem[] };

/** Sends an amendment and waits for what the run says to it; the answer is read from the log, so whichever node runs it may give it. */
export async function amend(
  app: App,
  { run, amendment }: { readonly run: RunRecord; readonly amendment: { readonly [key: string]: Json } },
  principal: Principal,
): Promise<Answer> {
  let wake = Promise.withResolvers<void>();
  using _ = app.engine.subscribe((event) => (event.runId === run.id ? wake.resolve() : undefined));
  await app.engine.signal(run.id, { name: AMEND_SIGNAL, value: amendment }, principal);
  const untilMs = Date.now() + VERDICT_MS;
  for (let afterSeq = run.events; Date.now() < untilMs;) {
    for (const event of await app.store.read(run.id, { afterSeq, limit: PAGE })) {
      afterSeq = event.seq;
      const answer = await answerIn(app, event, amendment["id"]);
      if (answer !== undefined) return answer;
    }
    const timer = setTimeout(() => wake.resolve(), LOOK_MS);
    await wake.promise;
    clearTimeout(timer);
    wake = Promise.withResolvers<void>();
  }
  throw new AppError(
    "timeout",
    `the run ${run.id} has the amendment but did not look at it within ${VERDICT_MS} ms; \`tutti graphs show ${run.id}\` tells later what became of it`,
  );
}

async function answerIn(app: App, event: Event, id: Json | undefined): Promise<Answer | undefined> {
  if (event.type === "run.completed" || event.type === "run.failed" || event.type === "run.cancelled")
    throw new AppError("conflict", `the run ${event.runId} ended before it looked at the amendment; start a new run`);
  if (event.type !== "step.completed" || event.kind !== "emit" || (event.name !== AMENDED_EVENT && event.name !== AMENDMENT_REFUSED_EVENT))
    return undefined;
  const data = (await valueOf(app, event.output)) as { readonly id?: Json; readonly problems?: unknown };
  if (data.id !== id) return undefined;
  return event.name === AMENDED_EVENT
    ? { isAccepted: true, data: data as Json }
    : { isAccepted: false, problems: data.problems as readonly GraphProblem[] };
}
