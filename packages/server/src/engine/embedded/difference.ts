import { canonicalJson, type EventBody, type Json } from "@tutti/core";
import type { History } from "./history.ts";
import type { Operation } from "./operation.ts";

/** How a workflow ends. */
export type Ending =
  | Extract<EventBody, { readonly type: "run.completed" | "run.failed" | "run.cancelled" }>
  | { readonly type: "continue"; readonly input: Json };

/** How what a workflow asks for at `key` differs from what its log has there; `undefined` when it does not. */
export function differenceAt(history: History, key: string, { kind, name }: Operation): string | undefined {
  const record = history.record(key);
  if (record === undefined)
    return history.branchedAt(key) ? `at ${key} the log has branches, the workflow now asks for the ${kind} "${name}"` : undefined;
  if (record.kind === kind && record.name === name) return undefined;
  return `at ${key} the log has the ${record.kind} "${record.name}", the workflow now asks for the ${kind} "${name}"`;
}

/** How a workflow's end differs from the recorded one; `undefined` when it does not, or none is recorded yet. */
export function endDifference({ end }: History, ending: Ending): string | undefined {
  if (end === undefined) return undefined;
  const isSame = ending.type === "continue" ? end.type === "run.continued" : canonicalJson(end) === canonicalJson(ending);
  return isSame ? undefined : `the log ends with ${canonicalJson(end)}, the workflow now ends with ${canonicalJson(ending)}`;
}
