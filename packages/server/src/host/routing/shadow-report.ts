import type { Store } from "@tutti/core";
import { ROUTE_WORKFLOW, type RouteOutput } from "./route-workflow.ts";
import type { RouteTarget } from "./router.ts";

/** Events of one run that are looked through for its decision: it stands near the beginning. */
const EVENTS_MAX = 20;

/** What a policy that does not act would have done differently, read from the runs' logs. */
export interface ShadowReport {
  readonly runs: number;
  /** Those that a shadow policy looked at too. */
  readonly compared: number;
  readonly agreed: number;
  readonly different: readonly Difference[];
}

interface Difference {
  readonly runId: string;
  readonly at: string;
  readonly is: { readonly tier: string; readonly rule?: string; readonly target?: RouteTarget };
  readonly would: { readonly tier?: string; readonly rule?: string; readonly target?: RouteTarget; readonly error?: string };
}

/** Compares the two policies over the newest routed texts. */
export async function readShadow(store: Pick<Store, "runs" | "read">, limit: number): Promise<ShadowReport> {
  const runs = await store.runs({ workflow: ROUTE_WORKFLOW, limit });
  const different: Difference[] = [];
  let compared = 0;
  for (const { id, startedAt } of runs) {
    const events = await store.read(id, { afterSeq: 0, limit: EVENTS_MAX });
    const step = events.find((event) => event.type === "step.completed" && event.name === "route");
    if (step?.type !== "step.completed") continue;
    const { decision, shadow } = step.output as unknown as Pick<RouteOutput, "decision" | "shadow">;
    if (shadow === undefined) continue;
    compared += 1;
    if (shadow.agrees) continue;
    const { agrees: _agrees, policyHash: _policyHash, confidence: _confidence, ...would } = shadow;
    const { tier, rule, target } = decision;
    different.push({ runId: id, at: startedAt, is: { tier, ...(rule !== undefined && { rule }), ...(target && { target }) }, would });
  }
  return { runs: runs.length, compared, agreed: compared - different.length, different };
}
