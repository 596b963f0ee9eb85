import {
  AppError,
  enforce,
  type Action,
  type EventBody,
  type Json,
  type ModelPart,
  type ModelRequest,
  type Reply,
  type StepContext,
  type StepKind,
  type StepOptions,
} from "@tutti/core";
import { findTool, generate, parseInput, type EngineParts } from "../effects.ts";
import { derivedId } from "../run-id.ts";
import { tryRepeatedly, type TrialResult } from "./attempts.ts";
import type { History } from "./history.ts";
import { Mailbox } from "./mailbox.ts";
import { toJson, type ExecutionHost, type Operation, type OperationCall, type Performed, type RunParts } from "./operation.ts";
import { waitUntil } from "./timers.ts";

/** Child runs, as an operation needs them. */
export interface Children {
  start(
    workflow: string,
    input: Json,
    child: { readonly runId: string; readonly parent: { readonly runId: string; readonly key: string } },
  ): Promise<void>;
  result(runId: string): Promise<Json>;
  cancel(runId: string, reason: string): Promise<void>;
}

/** What one run's operations work with. */
export interface OperationsParts {
  readonly run: RunParts;
  readonly history: History;
  readonly host: ExecutionHost;
  readonly engine: EngineParts;
  readonly children: Children;
}

/** Everything a workflow can ask for. Each method describes a step; the execution does it or finds it recorded. */
export class Operations {
  readonly #run: RunParts;
  readonly #host: ExecutionHost;
  readonly #engine: EngineParts;
  readonly #children: Children;
  readonly #mailbox: Mailbox;

  constructor(parts: OperationsParts) {
    this.#run = parts.run;
    this.#host = parts.host;
    this.#engine = parts.engine;
    this.#children = parts.children;
    this.#mailbox = new Mailbox(parts.history);
  }

  step(name: string, action: (step: StepContext) => unknown, options: StepOptions): Operation {
    return this.#tried({ kind: "step", name, options }, () => Promise.resolve({ action }));
  }

  generate(model: string, request: ModelRequest): Operation {
    const input = toJson(request);
    return this.#tried({ kind: "model", name: model, options: {} }, async (call) => {
      await this.#allow({ kind: "model.generate", resource: model, input }, call, false);
      let streamed = false;
      const onPart = (part: ModelPart): void => {
        streamed = true;
        this.#host.onPart(part);
      };
      // Once parts have reached a watcher a second attempt would tell the answer twice.
      return {
        action: (step): Promise<Reply> => generate(this.#engine, { model, request, onPart }, step.signal),
        mayRepeat: () => !streamed,
      };
    });
  }

  call(tool: string, input: Json): Operation {
    return this.#tried({ kind: "tool", name: tool, options: {} }, async (call) => {
      const found = findTool(this.#engine, tool);
      const parsed = await parseInput(found, input);
      await this.#allow({ kind: "tool.call", resource: tool, input: toJson(parsed) }, call, found.effect !== "read");
      const { principal } = this.#run;
      return { action: ({ idempotencyKey, signal }) => found.run(parsed, { idempotencyKey, signal, principal }) };
    });
  }

  start(workflow: string, input: Json): Operation {
    return {
      kind: "workflow",
      name: workflow,
      perform: async ({ key, scope }) => {
        const startedAtMs = Date.now();
        const runId = derivedId(`${this.#run.runId}/${key}`);
        const stopped = Promise.withResolvers<never>();
        const stopListening = [scope.onClose(({ message }) => void this.#children.cancel(runId, message)), scope.onStop(stopped.reject)];
        try {
          await this.#children.start(workflow, input, { runId, parent: { runId: this.#run.runId, key } });
          const output = await Promise.race([this.#children.result(runId), stopped.promise]);
          return done(startedAtMs, output);
        } catch (thrown) {
          if (scope.isStopped) throw thrown;
          const { code, message } = AppError.from(thrown);
          return { ...done(startedAtMs, null), outcome: { ok: false, code, message } };
        } finally {
          for (const stop of stopListening) stop();
        }
      },
    };
  }

  sleep(ms: number): Operation {
    return {
      kind: "sleep",
      name: "sleep",
      perform: async (call) => {
        const startedAtMs = Date.now();
        await waitUntil(this.#waitingUntil("sleep", "sleep", { call, untilMs: startedAtMs + ms }), call.scope);
        return done(startedAtMs, null);
      },
    };
  }

  waitFor(name: string, timeoutMs: number | undefined): Operation {
    return {
      kind: "signal",
      name,
      perform: async (call) => {
        const startedAtMs = Date.now();
        const untilMs = this.#waitingUntil(name, "signal", { call, untilMs: timeoutMs === undefined ? Infinity : startedAtMs + timeoutMs });
        return done(startedAtMs, await this.#mailbox.next(name, untilMs, call.scope));
      },
    };
  }

  /** A value that is made now and never again. */
  record(kind: "now" | "emit", name: string, value: () => Json): Operation {
    return { kind, name, perform: () => Promise.resolve(done(Date.now(), value())) };
  }

  deliverSignal(name: string, value: Json): void {
    this.#mailbox.deliver(name, value);
  }

  /** The moment a wait ends, as first journaled; a wait that was under way before a crash ends when it would have. */
  #waitingUntil(name: string, kind: StepKind, wait: { readonly call: OperationCall; readonly untilMs: number }): number {
    const { call, untilMs } = wait;
    if (call.progress?.until !== undefined) return call.progress.until === null ? Infinity : Date.parse(call.progress.until);
    void this.#host.append([
      { type: "step.waiting", key: call.key, kind, name, until: Number.isFinite(untilMs) ? new Date(untilMs).toISOString() : null },
    ]);
    return untilMs;
  }

  /** Decides and journals the decision; throws when it is not allow. What changes the world waits until its decision is durable. */
  async #allow(action: Omit<Action, "principal">, call: OperationCall, isDurableFirst: boolean): Promise<void> {
    const asked: Action = { ...action, principal: this.#run.principal };
    const decision = this.#engine.decide(asked);
    const input = action.input === undefined ? {} : { input: await this.#host.toJournal(action.input) };
    const event: EventBody = {
      type: "policy.decided",
      key: call.key,
      action: { ...asked, ...input },
      decision,
      policyHash: this.#engine.policyHash(),
    };
    const durable = this.#host.append([event]);
    enforce(asked, decision);
    if (isDurableFirst) await durable;
  }

  /** An operation that is prepared once and then tried until it works. */
  #tried(
    step: { readonly kind: StepKind; readonly name: string; readonly options: StepOptions },
    prepare: (call: OperationCall) => Promise<{ readonly action: (step: StepContext) => unknown; readonly mayRepeat?: () => boolean }>,
  ): Operation {
    const { kind, name, options } = step;
    const host = this.#host;
    const { runId } = this.#run;
    return {
      kind,
      name,
      perform: async (call) => {
        const { key, scope, progress } = call;
        const ref = { key, kind, name };
        try {
          const { action, mayRepeat = () => true } = await prepare(call);
          const result = await tryRepeatedly({
            idempotencyKey: `${runId}/${key}`,
            scope,
            options,
            progress,
            action,
            mayRepeat,
            onLong: (attempt) => void host.append([{ type: "step.started", ...ref, attempt }]),
            onRetry: ({ attempt, startedAtMs, durationMs, error, retryAtMs }) =>
              void host.append([
                {
                  type: "step.failed",
                  ...ref,
                  attempt,
                  startedAt: new Date(startedAtMs).toISOString(),
                  durationMs,
                  code: error.code,
                  message: error.message,
                  retryAt: new Date(retryAtMs).toISOString(),
                },
              ]),
          });
          return performed(result);
        } catch (thrown) {
          if (scope.isStopped) throw thrown;
          const { code, message } = AppError.from(thrown);
          return { ...done(Date.now(), null), outcome: { ok: false, code, message } };
        }
      },
    };
  }
}

function performed(result: TrialResult): Performed {
  const { attempt, startedAtMs, durationMs } = result;
  if (result.ok) return { attempt, startedAtMs, durationMs, outcome: { ok: true, output: toJson(result.value) } };
  return { attempt, startedAtMs, durationMs, outcome: { ok: false, code: result.error.code, message: result.error.message } };
}

function done(startedAtMs: number, output: Json): Performed {
  return { attempt: 1, startedAtMs, durationMs: Date.now() - startedAtMs, outcome: { ok: true, output } };
}
