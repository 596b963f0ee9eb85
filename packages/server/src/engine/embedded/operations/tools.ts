import { AppError, type Json, type Tool } from "@tutti/core";
import type { CallOptions } from "@tutti/core/policy";
import { findTool, isUntrusted, parseInput } from "../../effects.ts";
import { toJson, type Operation, type OperationCall } from "../operation.ts";
import { allow } from "./allowing.ts";
import { abandonChild, startChild } from "./runs.ts";
import { tried, type Options } from "./tried.ts";
import { done, type Workbench } from "./workbench.ts";

/** Runs within runs, where workflows call workflows as tools: a model could go round in a circle. */
const TOOL_DEPTH_MAX = 8;

/** How a workflow calls a tool. */
interface Call {
  readonly input: Json;
  readonly options: Options & Pick<CallOptions, "approval">;
}

/** Calls a tool, if policy allows it. */
export function callTool(bench: Workbench, tool: string, call: Call): Operation {
  if (bench.engine.tool(tool)?.workflow !== undefined) return callWorkflow(bench, tool, call);
  return tried(bench, { kind: "tool", name: tool, options: call.options }, async (operation) => {
    const { found, input } = await admitted(bench, { tool, ...call }, operation);
    const { principal } = bench.run;
    return {
      action: ({ idempotencyKey, signal, heartbeat }) =>
        found.run(input, { idempotencyKey, signal, principal, progress: heartbeat, tainted: bench.taint.sources }),
      ...(found.timeoutMs !== undefined && { timeoutMs: found.timeoutMs }),
      // Doing it twice would not be as good as once, and nobody can tell how far a failed attempt got.
      mayRepeat: () => found.isIdempotent !== false,
      ...(isUntrusted(found) && { sources: [tool] }),
    };
  });
}

/** Calls a tool that is a workflow: its run is a child of this one, ends with it and uses its budget. */
function callWorkflow(bench: Workbench, tool: string, call: Call): Operation {
  return {
    kind: "tool",
    name: tool,
    abandon: (key) => abandonChild(bench, key),
    perform: async (operation) => {
      try {
        const { found, input } = await admitted(bench, { tool, ...call }, operation);
        const { name, inputAt } = found.workflow ?? { name: tool };
        const depth = (bench.run.parent?.depth ?? 0) + 1;
        if (depth > TOOL_DEPTH_MAX)
          throw new AppError(
            "too_large",
            `wanted workflows that call each other as tools at most ${TOOL_DEPTH_MAX} deep, got a call deeper`,
          );
        const given = inputAt === undefined ? input : ((input as { readonly [key: string]: Json })[inputAt] ?? null);
        return await startChild(bench, name, { input: given }).perform(operation);
      } catch (thrown) {
        if (operation.scope.isStopped) throw thrown;
        const { code, message } = AppError.from(thrown);
        return { ...done(bench, bench.clock.nowMs(), null), outcome: { ok: false, code, message } };
      }
    },
  };
}

/** A tool and its input, once the input fits and policy lets the run call it. */
async function admitted(
  bench: Workbench,
  { tool, input, options }: Call & { readonly tool: string },
  operation: OperationCall,
): Promise<{ readonly found: Tool; readonly input: Json }> {
  const found = findTool(bench.engine, tool);
  const parsed = await parseInput(found, input);
  const action = { kind: "tool.call", resource: tool, input: toJson(parsed) } as const;
  const edited = await allow(bench, action, {
    call: operation,
    isDurableFirst: found.effect !== "read",
    approval: options.approval,
    tool: found,
  });
  return { found, input: edited?.input ?? parsed };
}
