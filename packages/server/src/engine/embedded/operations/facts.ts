import type { Tool } from "@tutti/core";
import type { ActionFacts } from "@tutti/core/policy";
import { iso } from "../../clock.ts";
import type { Workbench } from "./workbench.ts";

/** What is known of a run when the action of the step at `key` is decided. */
export function factsOf({ clock, run, calls, taint, budget }: Workbench, key: string, tool?: Tool): ActionFacts {
  const { tokens, costUsd } = budget.used;
  return {
    at: iso(clock.nowMs()),
    ...(tool && { tool: { effect: tool.effect, source: tool.source ?? "unknown" } }),
    run: { runId: run.runId, workflow: run.workflow.name, calls: calls.before(key), tainted: taint.sources, tokens, costUsd },
  };
}
