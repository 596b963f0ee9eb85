import {
  AppError,
  type Json,
  type ModelPart,
  type ModelRequest,
  type Outcome,
  type Reply,
  type RunUsage,
  type StepContext,
  type StepKind,
  type StepOptions,
} from "@tutti/core";
import { iso } from "../../clock.ts";
import { generate as generateReply } from "../../effects.ts";
import { tryRepeatedly, type TrialResult } from "../attempts.ts";
import { Taint } from "../taint.ts";
import { toJson, type Operation, type OperationCall, type Performed } from "../operation.ts";
import { allow } from "./allowing.ts";
import { done, type Workbench } from "./workbench.ts";

/** Compensation must not give up easily: what it leaves undone is left to people. */
const UNDO_OPTIONS = { attemptsMax: 10 };

/** Bounds of a step, without how it is undone. */
export type Options = Omit<StepOptions<never>, "undo">;

/** The workflow's own code. */
export function step(
  bench: Workbench,
  name: string,
  { action, options }: { readonly action: (step: StepContext) => unknown; readonly options: Options },
): Operation {
  return tried(bench, { kind: "step", name, options }, () => Promise.resolve({ action }));
}

/** Takes back what a step did. */
export function undo(bench: Workbench, name: string, action: (step: StepContext) => unknown): Operation {
  return tried(bench, { kind: "undo", name, options: UNDO_OPTIONS }, () => Promise.resolve({ action }));
}

/** Asks a model, if policy and budget allow it. */
export function generate(bench: Workbench, model: string, call: { readonly request: ModelRequest; readonly options: Options }): Operation {
  const input = toJson(call.request);
  const { request, options } = call;
  return tried(bench, { kind: "model", name: model, options }, async (operation) => {
    bench.budget.check();
    await allow(bench, { kind: "model.generate", resource: model, input }, { call: operation, isDurableFirst: false });
    let streamed = false;
    const onPart = (part: ModelPart): void => {
      streamed = true;
      bench.host.onPart(part);
    };
    // Once parts have reached a watcher a second attempt would tell the answer twice.
    return {
      action: ({ signal }): Promise<Reply> => generateReply(bench.engine, { model, request, onPart }, signal),
      mayRepeat: () => !streamed,
      usage: (value) => usageOf(bench, model, value as Reply),
    };
  });
}

interface Prepared {
  readonly action: (step: StepContext) => unknown;
  readonly mayRepeat?: () => boolean;
  /** Unless the caller gives another. */
  readonly timeoutMs?: number;
  readonly usage?: (value: unknown) => Promise<RunUsage>;
  /** Where what it gives comes from, its errors included, when that is outside. */
  readonly sources?: readonly string[];
}

/** An operation that is prepared once and then tried until it works. */
export function tried(
  bench: Workbench,
  { kind, name, options }: { readonly kind: StepKind; readonly name: string; readonly options: Options },
  prepare: (call: OperationCall) => Promise<Prepared>,
): Operation {
  const { host, clock, run } = bench;
  return {
    kind,
    name,
    perform: async (call) => {
      const { key, scope, progress } = call;
      const ref = { key, kind, name };
      try {
        const { action, mayRepeat = () => true, timeoutMs, usage, sources = [] } = await prepare(call);
        const brought = new Taint(sources);
        const taint = {
          get sources() {
            return bench.taint.sources;
          },
          add: (more: Iterable<string>) => brought.add(more),
        };
        const result = await tryRepeatedly({
          idempotencyKey: `${run.runId}/${key}`,
          scope,
          clock,
          options: timeoutMs === undefined ? options : { timeoutMs, ...options },
          progress,
          taint,
          action,
          mayRepeat,
          onLong: (attempt) => void host.append([{ type: "step.started", ...ref, attempt }]),
          onProgress: (attempt, detail) => void journalProgress(bench, { ...ref, attempt }, detail),
          onRetry: ({ attempt, startedAtMs, durationMs, error, retryAtMs }) =>
            void host.append([
              {
                type: "step.failed",
                ...ref,
                attempt,
                startedAt: iso(startedAtMs),
                durationMs,
                code: error.code,
                message: error.message,
                retryAt: iso(retryAtMs),
              },
            ]),
        });
        bench.taint.add(brought.sources);
        return { ...(await performed(bench, result, usage)), ...brought.field };
      } catch (thrown) {
        if (scope.isStopped) throw thrown;
        const { code, message } = AppError.from(thrown);
        return { ...done(bench, clock.nowMs(), null), outcome: { ok: false, code, message } };
      }
    },
  };
}

async function journalProgress(
  { host }: Workbench,
  ref: { readonly key: string; readonly kind: StepKind; readonly name: string; readonly attempt: number },
  detail: Json,
): Promise<void> {
  await host.append([{ type: "step.progressed", ...ref, detail: await host.toJournal(toJson(detail)) }]);
}

function performed(bench: Workbench, result: TrialResult, usage: Prepared["usage"]): Performed | Promise<Performed> {
  const { attempt, startedAtMs, durationMs } = result;
  if (!result.ok)
    return { attempt, startedAtMs, durationMs, outcome: { ok: false, code: result.error.code, message: result.error.message } };
  const outcome: Outcome = { ok: true, output: toJson(result.value) };
  if (usage === undefined) return { attempt, startedAtMs, durationMs, outcome };
  return usage(result.value).then((used) => {
    bench.budget.add(used);
    return { attempt, startedAtMs, durationMs, outcome, usage: used };
  });
}

async function usageOf({ engine }: Workbench, model: string, { usage }: Reply): Promise<RunUsage> {
  return { ...usage, costUsd: (await engine.costUsd?.(model, usage)) ?? 0 };
}
