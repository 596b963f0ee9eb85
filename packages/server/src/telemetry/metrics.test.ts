import assert from "node:assert/strict";
import { test } from "node:test";
import type { Event, EventBody } from "@tutti/core";
import { createMetrics } from "./metrics.ts";

const principal = { id: "tester", tenant: "test", roles: [] };
const timing = { attempt: 1, startedAt: "2026-01-01T00:00:00.000Z", durationMs: 30 };
const healthy = (): boolean => true;

function eventsOf(runId: string, bodies: readonly EventBody[]): readonly Event[] {
  return bodies.map((body, index) => ({ ...body, runId, seq: index + 1, at: timing.startedAt, hash: "" }));
}

function started(workflow: string): EventBody {
  return { type: "run.started", workflow, version: "1", input: null, principal };
}

/** Reads the text as strictly as its specification allows, and returns each series with its value. */
function parsePrometheus(text: string): ReadonlyMap<string, number> {
  assert.ok(text.endsWith("\n"), "the last line must end");
  const series = new Map<string, number>();
  const described = new Map<string, string>();
  let current = "";
  for (const line of text.trimEnd().split("\n")) {
    const comment = /^# (?<what>HELP|TYPE) (?<name>[a-zA-Z_:][\w:]*) (?<rest>.+)$/.exec(line)?.groups;
    if (comment !== undefined) {
      if (comment["what"] === "HELP")
        assert.ok(!described.has(comment["name"] ?? ""), `${line}: described twice, or its series are scattered`);
      current = comment["name"] ?? "";
      described.set(current, comment["rest"] ?? "");
      continue;
    }
    const sample =
      /^(?<name>[a-zA-Z_:][\w:]*)(?<labels>\{[a-zA-Z_]\w*="(?:[^"\\\n]|\\[\\"n])*"(?:,[a-zA-Z_]\w*="(?:[^"\\\n]|\\[\\"n])*")*\})? (?<value>\S+)$/.exec(
        line,
      )?.groups;
    assert.ok(sample !== undefined, `not a sample: ${line}`);
    const name = sample["name"] ?? "";
    const type = described.get(current);
    assert.ok(["counter", "gauge", "histogram"].includes(type ?? ""), `${line}: no type`);
    assert.equal(type === "histogram" ? name.replace(/_(?:bucket|sum|count)$/, "") : name, current, `${line}: under another metric`);
    if (type === "counter") assert.match(name, /_total$/);
    const key = `${name}${sample["labels"] ?? ""}`;
    assert.ok(!series.has(key), `${key} stands there twice`);
    assert.ok(Number.isFinite(Number(sample["value"])), `${line}: not a number`);
    series.set(key, Number(sample["value"]));
  }
  assertHistogramsAddUp(series);
  return series;
}

function assertHistogramsAddUp(series: ReadonlyMap<string, number>): void {
  const last = new Map<string, number>();
  for (const [key, value] of series) {
    const bucket = /^(?<name>.*)_bucket\{(?<labels>.*?),?le="(?<bound>[^"]+)"\}$/.exec(key)?.groups;
    if (bucket === undefined) continue;
    const labels = bucket["labels"] === "" ? "" : `{${bucket["labels"] ?? ""}}`;
    const count = `${bucket["name"] ?? ""}_count${labels}`;
    assert.ok(value >= (last.get(count) ?? 0), `${key}: buckets must not fall`);
    last.set(count, value);
    if (bucket["bound"] === "+Inf") assert.equal(value, series.get(count), `${count} must equal the last bucket`);
  }
}

test("events become counters and histograms in valid Prometheus text", async () => {
  await using metrics = createMetrics({ storeIsHealthy: healthy, modelNumbers: () => [] });
  const action = { kind: "tool.call", principal, resource: "echo" } as const;
  const usage = { role: "assistant", content: "Hi", usage: { inputTokens: 12, outputTokens: 3 } };
  const events = eventsOf("run-1", [
    started("triage"),
    { type: "policy.decided", key: "1", action, decision: { effect: "deny", reason: "", rule: "" }, policyHash: "" },
    { type: "step.failed", key: "1", kind: "tool", name: "echo", ...timing, code: "upstream", message: "", retryAt: timing.startedAt },
    { type: "step.failed", key: "1", kind: "tool", name: "echo", ...timing, code: "upstream", message: "", retryAt: null },
    { type: "step.completed", key: "2", kind: "model", name: 'a "quoted"\nmodel', ...timing, output: usage },
    { type: "run.failed", code: "upstream", message: "" },
  ]);
  for (const event of events) metrics.observe(event);

  const series = parsePrometheus(await metrics.prometheusText());

  assert.equal(series.get('tutti_runs_started_total{workflow="triage"}'), 1);
  assert.equal(series.get('tutti_runs_ended_total{workflow="triage",status="failed"}'), 1);
  assert.equal(series.get('tutti_steps_total{kind="tool",outcome="retried"}'), 1);
  assert.equal(series.get('tutti_steps_total{kind="tool",outcome="failed"}'), 1);
  assert.equal(series.get('tutti_steps_total{kind="model",outcome="completed"}'), 1);
  assert.equal(series.get('tutti_step_duration_seconds_bucket{kind="tool",le="0.01"}'), 0);
  assert.equal(series.get('tutti_step_duration_seconds_bucket{kind="tool",le="0.05"}'), 2);
  assert.equal(series.get('tutti_policy_decisions_total{kind="tool.call",effect="deny"}'), 1);
  assert.equal(series.get('tutti_model_tokens_total{model="a \\"quoted\\"\\nmodel",direction="input"}'), 12);
  assert.equal(series.get('tutti_model_tokens_total{model="a \\"quoted\\"\\nmodel",direction="output"}'), 3);
});

test("a run whose start this process did not see ends as of an unknown workflow", async () => {
  await using metrics = createMetrics({ storeIsHealthy: healthy, modelNumbers: () => [] });
  for (const event of eventsOf("run-1", [{ type: "run.completed", output: null }])) metrics.observe(event);
  assert.equal(parsePrometheus(await metrics.prometheusText()).get('tutti_runs_ended_total{workflow="unknown",status="completed"}'), 1);
});

test("a reply that stands in the blob store, or tells no usage, is counted without tokens", async () => {
  await using metrics = createMetrics({ storeIsHealthy: healthy, modelNumbers: () => [] });
  const outputs = [{ $blob: "00", sizeBytes: 1 }, null, { usage: { inputTokens: "many" } }, { usage: [1] }];
  const events = outputs.map((output) => ({ type: "step.completed", key: "1", kind: "model", name: "llama", ...timing, output }) as const);
  for (const event of eventsOf("run-1", events)) metrics.observe(event);
  const series = parsePrometheus(await metrics.prometheusText());
  assert.equal(series.get('tutti_steps_total{kind="model",outcome="completed"}'), 4);
  assert.ok(![...series.keys()].some((key) => key.startsWith("tutti_model_tokens_total")));
});

test("requests are counted by route and status; unknown methods share a label", async () => {
  await using metrics = createMetrics({ storeIsHealthy: healthy, modelNumbers: () => [] });
  metrics.observeRequest({ method: "GET", route: "/v1/runs/:id", status: 200, durationMs: 20 });
  metrics.observeRequest({ method: "BREW", route: "/v1/runs/:id", status: 405, durationMs: 1 });
  const series = parsePrometheus(await metrics.prometheusText());
  const get = 'http_request_method="GET",http_route="/v1/runs/:id",http_response_status_code="200"';
  assert.equal(series.get(`http_server_request_duration_seconds_sum{${get}}`), 0.02);
  assert.equal(series.get(`http_server_request_duration_seconds_bucket{${get},le="0.025"}`), 1);
  assert.ok([...series.keys()].some((key) => key.includes('http_request_method="_OTHER"')));
});

test("labels are bounded: the names after the first 200 count as other", async () => {
  await using metrics = createMetrics({ storeIsHealthy: healthy, modelNumbers: () => [] });
  for (let index = 0; index < 1_000; index += 1) {
    for (const event of eventsOf(`run-${index}`, [started(`workflow-${index}`), { type: "run.completed", output: null }]))
      metrics.observe(event);
  }
  const series = parsePrometheus(await metrics.prometheusText());
  assert.equal(series.get('tutti_runs_started_total{workflow="other"}'), 800);
  assert.equal(series.get('tutti_runs_ended_total{workflow="other",status="completed"}'), 800);
  assert.equal([...series.keys()].filter((key) => key.startsWith("tutti_runs_started_total")).length, 201);
});

test("the process and the store tell how they are", async () => {
  let isHealthy = true;
  await using metrics = createMetrics({ storeIsHealthy: () => isHealthy, modelNumbers: () => [] });
  const before = parsePrometheus(await metrics.prometheusText());
  assert.equal(before.get("tutti_store_healthy"), 1);
  assert.ok((before.get("process_resident_memory_bytes") ?? 0) > 1_000_000);
  assert.ok((before.get('process_cpu_seconds_total{mode="user"}') ?? 0) > 0);
  assert.ok((before.get('nodejs_eventloop_lag_seconds{quantile="0.99"}') ?? -1) >= 0);
  isHealthy = false;
  assert.equal(parsePrometheus(await metrics.prometheusText()).get("tutti_store_healthy"), 0);
});
