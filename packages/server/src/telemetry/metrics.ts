import type { Histogram, Meter } from "@opentelemetry/api";
import type { EventDraft, Json } from "@tutti/core";
import { PrometheusExporter, PrometheusSerializer } from "@opentelemetry/exporter-prometheus";
import { MeterProvider } from "@opentelemetry/sdk-metrics";
import { observeModels, type ModelNumbers } from "./model-metrics.ts";
import { observeProcess } from "./process-metrics.ts";
import { Tally } from "./tally.ts";

/** Each label takes at most this many values; what comes later counts as "other", so that no caller can grow the memory. */
const LABEL_VALUES_MAX = 200;

/** The workflows of so many runs in flight are remembered, for the label of their end. */
const RUNS_REMEMBERED_MAX = 20_000;

const STEP_SECONDS = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 300];

/** The buckets that OpenTelemetry's semantic conventions give for HTTP. */
const HTTP_SECONDS = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10];

const HTTP_METHODS: ReadonlySet<string> = new Set(["GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"]);

/** A request that was answered. `route` is the pattern it matched, never the path. */
interface ServedRequest {
  readonly method: string;
  readonly route: string;
  readonly status: number;
  readonly durationMs: number;
}

/** The numbers of a process, on the OpenTelemetry API. Observing costs microseconds and never throws. */
export interface Metrics extends AsyncDisposable {
  /** Made for `engine.subscribe`. */
  observe(event: EventDraft): void;
  observeRequest(request: ServedRequest): void;
  /** All metrics in Prometheus' text format. */
  prometheusText(): Promise<string>;
}

/** What is asked at every scrape. */
interface MetricsSources {
  readonly storeIsHealthy: () => boolean;
  readonly modelNumbers: () => readonly ModelNumbers[];
}

/** Starts measuring. */
export function createMetrics({ storeIsHealthy, modelNumbers }: MetricsSources): Metrics {
  // The exporter only reads here: its text is served by the HTTP face, behind the same token as everything else.
  const reader = new PrometheusExporter({ preventServerStart: true });
  const serializer = new PrometheusSerializer(undefined, false, undefined, true, true);
  const provider = new MeterProvider({ readers: [reader] });
  const meter = provider.getMeter("tutti");
  observeModels(meter, modelNumbers);
  const observeEvent = eventObserver(meter);
  const process = observeProcess(meter);
  meter
    .createObservableGauge("tutti_store_healthy", { description: "1 while the store can write, else 0." })
    .addCallback((result) => result.observe(storeIsHealthy() ? 1 : 0));
  return {
    observe: observeEvent,
    observeRequest: requestObserver(meter),
    prometheusText: async () => serializer.serialize((await reader.collect()).resourceMetrics),
    async [Symbol.asyncDispose]() {
      process[Symbol.dispose]();
      await provider.shutdown();
    },
  };
}

function requestObserver(meter: Meter): (request: ServedRequest) => void {
  const duration = meter.createHistogram("http_server_request_duration_seconds", {
    description: "How long HTTP requests took, until the last byte of the answer.",
    advice: { explicitBucketBoundaries: HTTP_SECONDS },
  });
  const routes = boundedLabel();
  return ({ method, route, status, durationMs }) =>
    duration.record(durationMs / 1_000, {
      "http.request.method": HTTP_METHODS.has(method) ? method : "_OTHER",
      "http.route": routes(route),
      "http.response.status_code": String(status),
    });
}

interface EventInstruments {
  readonly started: Tally<"workflow">;
  readonly ended: Tally<"workflow" | "status">;
  readonly steps: Tally<"kind" | "outcome">;
  readonly stepDuration: Histogram;
  readonly decisions: Tally<"kind" | "effect">;
  readonly tokens: Tally<"model" | "direction">;
}

function eventObserver(meter: Meter): (event: EventDraft) => void {
  const instruments = eventInstruments(meter);
  const workflowLabel = boundedLabel();
  const modelLabel = boundedLabel();
  const workflows = new Map<string, string>();
  const ended = (runId: string, status: string): void => {
    // A run that began before this process did is known by its id only.
    instruments.ended.add(1, workflows.get(runId) ?? "unknown", status);
    workflows.delete(runId);
  };
  return (event) => {
    switch (event.type) {
      case "run.started": {
        const workflow = workflowLabel(event.workflow);
        if (workflows.size < RUNS_REMEMBERED_MAX) workflows.set(event.runId, workflow);
        return instruments.started.add(1, workflow);
      }
      case "run.completed":
      case "run.failed":
      case "run.cancelled":
      case "run.continued":
        return ended(event.runId, event.type.slice("run.".length));
      case "run.recorded": {
        const { kind, name, outcome, durationMs } = event;
        const status = outcome.ok ? "completed" : "failed";
        const workflow = workflowLabel(event.workflow);
        instruments.started.add(1, workflow);
        instruments.ended.add(1, workflow, status);
        instruments.decisions.add(1, event.action.kind, event.decision.effect);
        instruments.steps.add(1, kind, status);
        instruments.stepDuration.record(durationMs / 1_000, { kind });
        if (kind === "model" && outcome.output !== undefined)
          for (const spend of [field(outcome.output, "spend") ?? null].flat())
            addTokens(instruments.tokens, modelLabel(name), spend as Json);
        return;
      }
      case "policy.decided":
        return instruments.decisions.add(1, event.action.kind, event.decision.effect);
      case "step.failed":
        instruments.stepDuration.record(event.durationMs / 1_000, { kind: event.kind });
        return instruments.steps.add(1, event.kind, event.retryAt === null ? "failed" : "retried");
      case "step.completed":
        instruments.stepDuration.record(event.durationMs / 1_000, { kind: event.kind });
        instruments.steps.add(1, event.kind, "completed");
        if (event.kind === "model") addTokens(instruments.tokens, modelLabel(event.name), event.output);
        return;
      case "run.resumed":
      case "run.paused":
      case "step.started":
      case "run.queued":
      case "run.admitted":
      case "step.waiting":
      case "step.cancelled":
      case "step.progressed":
      case "signal.received":
      case "approval.answered":
      case "approval.used":
      case "approval.seconded":
      case "approval.revoked":
      case "cancel.requested":
        return;
    }
  };
}

function eventInstruments(meter: Meter): EventInstruments {
  return {
    started: new Tally(meter, { name: "tutti_runs_started_total", description: "Runs that were started.", labels: ["workflow"] }),
    ended: new Tally(meter, {
      name: "tutti_runs_ended_total",
      description: "Runs that ended, by how they did.",
      labels: ["workflow", "status"],
    }),
    steps: new Tally(meter, {
      name: "tutti_steps_total",
      description: "Attempts at steps: completed, failed for good, or retried.",
      labels: ["kind", "outcome"],
    }),
    stepDuration: meter.createHistogram("tutti_step_duration_seconds", {
      description: "How long attempts at steps took.",
      advice: { explicitBucketBoundaries: STEP_SECONDS },
    }),
    decisions: new Tally(meter, {
      name: "tutti_policy_decisions_total",
      description: "What policy decided.",
      labels: ["kind", "effect"],
    }),
    tokens: new Tally(meter, {
      name: "tutti_model_tokens_total",
      description: "Tokens that models read (input) and wrote (output), as their providers counted them.",
      labels: ["model", "direction"],
    }),
  };
}

/** A reply that is too large for the journal stands in the blob store, and its usage with it; it is not counted. */
function addTokens(tokens: EventInstruments["tokens"], model: string, reply: Json): void {
  const usage = field(reply, "usage");
  for (const direction of ["input", "output"]) {
    const count = field(usage, `${direction}Tokens`);
    if (typeof count === "number" && count > 0) tokens.add(count, model, direction);
  }
}

function field(value: Json | undefined, name: string): Json | undefined {
  return value !== null && typeof value === "object" && !Array.isArray(value)
    ? (value as { readonly [key: string]: Json })[name]
    : undefined;
}

function boundedLabel(): (value: string) => string {
  const values = new Set<string>();
  return (value) => {
    if (values.has(value)) return value;
    if (values.size >= LABEL_VALUES_MAX) return "other";
    values.add(value);
    return value;
  };
}
