import type { Meter } from "@opentelemetry/api";

/** More targets than this are not measured one by one: clients make up names. */
const TARGETS_MAX = 200;

/** How a model has been, as its router knows it. */
export interface ModelNumbers {
  readonly id: string;
  readonly status: string;
  readonly underWay: number;
  readonly calls: number;
  readonly failures: number;
  readonly errorRate: number;
  readonly latencyMs?: number;
  readonly firstByteMs?: number;
  readonly tokensPerSecond?: number;
}

/** Tells of every target of the router at each scrape; nothing is counted on the way of a request. */
export function observeModels(meter: Meter, numbers: () => readonly ModelNumbers[]): void {
  const up = meter.createObservableGauge("tutti_model_target_up", {
    description: "1 while requests may go to the model, 0 while it is left alone.",
  });
  const underWay = meter.createObservableGauge("tutti_model_target_calls_under_way", { description: "Calls under way." });
  const calls = meter.createObservableCounter("tutti_model_target_calls_total", { description: "Calls, retries among them." });
  const failures = meter.createObservableCounter("tutti_model_target_failures_total", { description: "Calls that failed." });
  const errors = meter.createObservableGauge("tutti_model_target_error_ratio", { description: "Moving share of calls that failed." });
  const latency = meter.createObservableGauge("tutti_model_target_latency_seconds", { description: "Moving average of whole answers." });
  const first = meter.createObservableGauge("tutti_model_target_first_byte_seconds", {
    description: "Moving average until the first byte.",
  });
  const speed = meter.createObservableGauge("tutti_model_target_tokens_per_second", {
    description: "Moving average of an answer's tokens a second.",
  });
  meter.addBatchObservableCallback(
    (result) => {
      for (const one of numbers().slice(0, TARGETS_MAX)) {
        const target = { target: one.id };
        result.observe(up, one.status === "ok" || one.status === "trial" ? 1 : 0, target);
        result.observe(underWay, one.underWay, target);
        result.observe(calls, one.calls, target);
        result.observe(failures, one.failures, target);
        result.observe(errors, one.errorRate, target);
        if (one.latencyMs !== undefined) result.observe(latency, one.latencyMs / 1_000, target);
        if (one.firstByteMs !== undefined) result.observe(first, one.firstByteMs / 1_000, target);
        if (one.tokensPerSecond !== undefined) result.observe(speed, one.tokensPerSecond, target);
      }
    },
    [up, underWay, calls, failures, errors, latency, first, speed],
  );
}
