import assert from "node:assert/strict";
import { test } from "node:test";
import { AppError, type Event } from "@tutti/core";
import { createLogger, logEvents, type LoggerOptions } from "./logger.ts";

/** A destination that keeps what it is given. */
function kept(isTTY = false): LoggerOptions["destination"] & { readonly lines: string[]; json(): readonly Record<string, unknown>[] } {
  const lines: string[] = [];
  return { lines, isTTY, write: (line) => lines.push(line), json: () => lines.map((line) => JSON.parse(line) as Record<string, unknown>) };
}

test("a log line is one JSON object with its level, time and correlation ids", () => {
  const destination = kept();
  const logger = createLogger({ logLevel: "info", logFormat: "auto", destination });
  logger.child({ requestId: "q1" }).child({ runId: "r1", stepKey: "2.0" }).warn({ attempts: 3 }, "slow");
  logger.debug("not this one");
  const [line, ...others] = destination.json();
  assert.deepEqual(others, []);
  assert.match(String(line?.["time"]), /^\d{4}-\d\d-\d\dT/);
  assert.deepEqual(
    { ...line, time: "" },
    { level: "warn", time: "", requestId: "q1", runId: "r1", stepKey: "2.0", attempts: 3, msg: "slow" },
  );
});

test("secrets are masked wherever they stand", () => {
  const destination = kept();
  const logger = createLogger({ logLevel: "info", logFormat: "json", destination });
  logger.info(
    { token: "s3cret", provider: { apiKey: "s3cret" }, request: { headers: { authorization: "Bearer s3cret", accept: "*/*" } } },
    "call",
  );
  assert.doesNotMatch(destination.lines.join(""), /s3cret/);
  assert.match(destination.lines.join(""), /"accept":"\*\/\*"/);
});

test("an error is logged with its code and its stack", () => {
  const destination = kept();
  createLogger({ logLevel: "info", logFormat: "json", destination }).error({ error: new AppError("timeout", "too slow") }, "failed");
  const { error } = destination.json()[0] as { error: Record<string, unknown> };
  assert.equal(error["code"], "timeout");
  assert.equal(error["message"], "too slow");
  assert.match(String(error["stack"]), /logger\.test\.ts/);
});

test("on a terminal the same line is for people, at once", () => {
  const destination = kept(true);
  createLogger({ logLevel: "info", logFormat: "auto", destination }).info({ runId: "r1" }, "run started");
  assert.equal(destination.lines.length, 1);
  assert.match(destination.lines.join(""), /run started/);
  assert.throws(() => destination.json());
});

test("format json stays JSON on a terminal, format pretty is pretty without one and has no colours", () => {
  const terminal = kept(true);
  createLogger({ logLevel: "info", logFormat: "json", destination: terminal }).info("hello");
  assert.equal(terminal.json()[0]?.["msg"], "hello");
  const file = kept();
  createLogger({ logLevel: "info", logFormat: "pretty", destination: file }).info("hello");
  assert.match(file.lines.join(""), /INFO: hello/);
  assert.ok(!file.lines.join("").includes("\u001b"));
});

test("runs and failed steps are logged from their events, the rest only at debug", () => {
  const destination = kept();
  const listener = logEvents(createLogger({ logLevel: "info", logFormat: "json", destination }));
  const place = { runId: "r1", seq: 1, at: "2026-01-01T00:00:00.000Z", hash: "" };
  const timing = { attempt: 1, startedAt: place.at, durationMs: 3 };
  const events: readonly Event[] = [
    { ...place, type: "run.started", workflow: "triage", version: "1", input: null, principal: { id: "p", tenant: "t", roles: [] } },
    { ...place, type: "step.completed", key: "1", kind: "step", name: "read", ...timing, output: null },
    {
      ...place,
      type: "step.failed",
      key: "2",
      kind: "tool",
      name: "echo",
      ...timing,
      code: "upstream",
      message: "no answer",
      retryAt: null,
    },
    { ...place, type: "run.failed", code: "upstream", message: "no answer" },
  ];
  for (const event of events) listener(event);
  assert.deepEqual(
    destination.json().map(({ level, msg, runId, stepKey, code }) => ({ level, msg, runId, stepKey, code })),
    [
      { level: "info", msg: "run started", runId: "r1", stepKey: undefined, code: undefined },
      { level: "warn", msg: "step failed", runId: "r1", stepKey: "2", code: "upstream" },
      { level: "warn", msg: "run failed", runId: "r1", stepKey: undefined, code: "upstream" },
    ],
  );
});
