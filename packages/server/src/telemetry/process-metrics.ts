import { monitorEventLoopDelay } from "node:perf_hooks";
import type { Meter } from "@opentelemetry/api";

/** Often enough to notice a held event loop, and too rarely to be noticed itself. */
const SAMPLE_INTERVAL_MS = 20;

const NANOSECONDS = 1e9;

/** Measures this process until disposed. The names are those that dashboards for Node already know. */
export function observeProcess(meter: Meter): Disposable {
  const delay = monitorEventLoopDelay({ resolution: SAMPLE_INTERVAL_MS });
  delay.enable();
  const startedAtSeconds = Math.round(Date.now() / 1_000 - process.uptime());

  const cpu = meter.createObservableCounter("process_cpu_seconds_total", { description: "CPU time used, by mode." });
  const started = meter.createObservableGauge("process_start_time_seconds", { description: "When the process started, in Unix time." });
  const resident = meter.createObservableGauge("process_resident_memory_bytes", { description: "Memory held in RAM." });
  const heap = meter.createObservableGauge("nodejs_heap_size_used_bytes", { description: "Memory used by JavaScript objects." });
  const lag = meter.createObservableGauge("nodejs_eventloop_lag_seconds", {
    description: "How late the event loop was since the last scrape.",
  });

  meter.addBatchObservableCallback(
    (result) => {
      const { user, system } = process.cpuUsage();
      const memory = process.memoryUsage();
      result.observe(cpu, user / 1e6, { mode: "user" });
      result.observe(cpu, system / 1e6, { mode: "system" });
      result.observe(started, startedAtSeconds);
      result.observe(resident, memory.rss);
      result.observe(heap, memory.heapUsed);
      for (const [quantile, value] of [
        ["0.5", delay.percentile(50)],
        ["0.99", delay.percentile(99)],
        ["1", delay.max],
      ] as const) {
        result.observe(lag, delayed(value), { quantile });
      }
      delay.reset();
    },
    [cpu, started, resident, heap, lag],
  );
  return { [Symbol.dispose]: () => delay.disable() };
}

/** The histogram holds the time between two samples, in nanoseconds; what goes over the interval is the delay. Nothing sampled is none. */
function delayed(betweenSamples: number): number {
  return Math.max(0, betweenSamples / NANOSECONDS - SAMPLE_INTERVAL_MS / 1_000);
}
