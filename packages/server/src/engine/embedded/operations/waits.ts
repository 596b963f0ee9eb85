import type { ApprovalRequest, StepKind } from "@tutti/core";
import { iso } from "../../clock.ts";
import type { Operation, OperationCall } from "../operation.ts";
import { waitUntil } from "../timers.ts";
import { done, type Workbench } from "./workbench.ts";

/** Waits for a time. */
export function sleep(bench: Workbench, length: { readonly ms: number } | { readonly until: Date }): Operation {
  return {
    kind: "sleep",
    name: "sleep",
    perform: async (call) => {
      const startedAtMs = sinceMsOf(bench, call);
      const timeoutMs = "ms" in length ? length.ms : length.until.getTime() - startedAtMs;
      const until = announce(bench, call, { kind: "sleep", name: "sleep", timeoutMs });
      const goesOn = call.idle({ kind: "sleep", name: "sleep", since: iso(startedAtMs), until });
      await waitUntil(untilMsOf(until), call.scope, bench.clock).finally(goesOn);
      return done(bench, startedAtMs, null);
    },
  };
}

/** Waits for a signal, or until its time is over. */
export function waitFor(
  bench: Workbench,
  name: string,
  { timeoutMs, isQuiet = false }: { readonly timeoutMs?: number | undefined; readonly isQuiet?: boolean | undefined },
): Operation {
  return {
    kind: "signal",
    name,
    perform: async (call) => {
      const startedAtMs = sinceMsOf(bench, call);
      const until = isQuiet && timeoutMs === undefined ? null : announce(bench, call, { kind: "signal", name, timeoutMs });
      const goesOn = call.idle({ kind: "signal", name, since: iso(startedAtMs), until });
      return done(bench, startedAtMs, await bench.mailbox.next(name, untilMsOf(until), call.scope).finally(goesOn));
    },
  };
}

/** Asks people. */
export function approve(bench: Workbench, request: ApprovalRequest): Operation {
  return {
    kind: "approval",
    name: request.question,
    perform: async (call) => {
      const startedAtMs = sinceMsOf(bench, call);
      const { approved, by: everybody, reason } = await bench.approvals.ask(request, call);
      const by = everybody.join(", ");
      const performed = done(bench, startedAtMs, { approved, by, reason });
      if (by !== "timeout" || request.otherwise !== undefined) return performed;
      return { ...performed, outcome: { ok: false, code: "approval_timeout", message: `"${request.question}": ${reason}` } };
    },
  };
}

/** The moment a wait ends, as first journaled; a wait that was under way before a crash ends when it would have. */
function announce(
  { host, clock }: Workbench,
  call: OperationCall,
  wait: { readonly kind: StepKind; readonly name: string; readonly timeoutMs: number | undefined },
): string | null {
  if (call.progress?.until !== undefined) return call.progress.until;
  const until = wait.timeoutMs === undefined ? null : iso(clock.nowMs() + wait.timeoutMs);
  void host.append([{ type: "step.waiting", key: call.key, kind: wait.kind, name: wait.name, until }]);
  return until;
}

/** When the wait began, which may have been in another process. */
function sinceMsOf({ clock }: Workbench, { progress }: OperationCall): number {
  return progress?.since === undefined ? clock.nowMs() : Date.parse(progress.since);
}

function untilMsOf(until: string | null): number {
  return until === null ? Infinity : Date.parse(until);
}
