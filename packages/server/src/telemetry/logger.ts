import type { EventDraft } from "@tutti/core";
import { pino, stdSerializers, stdTimeFunctions, type DestinationStream, type Logger } from "pino";
import { prettyFactory } from "pino-pretty";

export type { Logger } from "pino";

/** How and where to log. `destination` is a stream such as `process.stdout`; what a command prints as data must go to another one. */
export interface LoggerOptions {
  readonly logLevel: "fatal" | "error" | "warn" | "info" | "debug" | "trace" | "silent";
  /** `auto` is pretty on a terminal and JSON elsewhere. */
  readonly logFormat: "auto" | "json" | "pretty";
  readonly destination: { write(line: string): unknown; readonly isTTY?: boolean };
}

const SECRET_FIELDS = ["token", "apiKey", "password", "secret", "authorization", "cookie"];

/** A pino logger. Its children carry the correlation ids: `logger.child({ requestId })`, `{ runId }`, `{ runId, stepKey }`. */
export function createLogger({ logLevel, logFormat, destination }: LoggerOptions): Logger {
  const isTerminal = destination.isTTY === true;
  const isPretty = logFormat === "pretty" || (logFormat === "auto" && isTerminal);
  const options = {
    level: logLevel,
    base: null,
    timestamp: stdTimeFunctions.isoTime,
    formatters: { level: (label: string) => ({ level: label }) },
    serializers: { error: stdSerializers.err },
    // A secret should never reach a logger; where one does after all, it stands in one of these fields, at the top or one or two levels down.
    redact: { paths: SECRET_FIELDS.flatMap((field) => [field, `*.${field}`, `*.*.${field}`]), censor: "[redacted]" },
  };
  return pino(options, isPretty ? prettied(destination, isTerminal) : destination);
}

/** Formats in this process and at once, so that the last lines before an exit are not lost in a worker or a stream. */
function prettied(destination: LoggerOptions["destination"], colorize: boolean): DestinationStream {
  const pretty = prettyFactory({ colorize, translateTime: "SYS:HH:MM:ss.l", errorLikeObjectKeys: ["error"] });
  return { write: (line) => void destination.write(pretty(line)) };
}

/** Writes what people should know of runs; the rest at `debug`. Made for `engine.subscribe`; never throws. */
export function logEvents(logger: Logger): (event: EventDraft) => void {
  return (event) => {
    switch (event.type) {
      case "run.started":
        return logger.info({ runId: event.runId, workflow: event.workflow }, "run started");
      case "run.recorded":
        return logger.debug(
          { runId: event.runId, workflow: event.workflow, step: event.name, ok: event.outcome.ok, durationMs: event.durationMs },
          "run recorded",
        );
      case "run.resumed":
        return logger.info({ runId: event.runId, reason: event.reason }, "run goes on");
      case "run.completed":
        return logger.info({ runId: event.runId }, "run completed");
      case "run.cancelled":
        return logger.info({ runId: event.runId, reason: event.reason }, "run cancelled");
      case "run.paused":
        return logger.warn({ runId: event.runId, code: event.code, reason: event.message }, "run paused");
      case "run.failed":
        // No error of this process: whoever started the run is told, and what went wrong may be what was asked for.
        return logger.warn({ runId: event.runId, code: event.code, reason: event.message }, "run failed");
      case "step.failed":
        return logger.warn(
          { runId: event.runId, stepKey: event.key, step: event.name, code: event.code, reason: event.message, retryAt: event.retryAt },
          "step failed",
        );
      case "policy.decided":
        return logger.debug(
          { runId: event.runId, stepKey: event.key, ...event.decision, resource: event.action.resource },
          "policy decided",
        );
      case "step.started":
      case "step.cancelled":
      case "step.progressed":
      case "step.waiting":
      case "step.completed":
        return logger.debug({ runId: event.runId, stepKey: event.key, step: event.name, event: event.type }, "step");
      case "approval.answered":
        return logger.info({ runId: event.runId, stepKey: event.key, approved: event.approved, by: event.by }, "approval answered");
      case "run.continued":
        return logger.info({ runId: event.runId, nextRunId: event.nextRunId }, "run goes on as another");
      case "run.queued":
      case "run.admitted":
      case "signal.received":
      case "cancel.requested":
      case "approval.used":
      case "approval.seconded":
      case "approval.revoked":
        return logger.debug({ runId: event.runId, event: event.type }, "run");
    }
  };
}
