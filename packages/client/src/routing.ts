import type { Json } from "@tutti/core";
import type { Transport } from "./transport.ts";

interface Target {
  readonly type: "tool" | "agent" | "workflow";
  readonly name: string;
}

/** How a text would be routed. */
export interface RoutingExplained {
  readonly decision: {
    readonly tier: "rule" | "cache" | "semantic" | "otherwise" | "human" | "none";
    readonly target?: Target;
    readonly rule?: string;
    readonly input?: Json;
    readonly confidence: number;
    readonly gap: number;
    readonly candidates: readonly { readonly rule: string; readonly target: Target; readonly confidence: number; readonly input: Json }[];
    readonly reason: string;
    readonly policyHash: string;
  };
  /** What is wrong with the policy's file now, while an earlier state of it holds. */
  readonly problem?: string;
}

/** What a shadow policy would have done with the newest texts. */
export interface RoutingShadow {
  readonly runs: number;
  readonly compared: number;
  readonly agreed: number;
  readonly different: readonly {
    readonly runId: string;
    readonly at: string;
    readonly is: { readonly tier: string; readonly rule?: string; readonly target?: Target };
    readonly would: { readonly tier?: string; readonly rule?: string; readonly target?: Target; readonly error?: string };
  }[];
}

/** The calls about routing. */
export interface RoutingCalls {
  /** Where a text would go, by the policy in force or by the one given as YAML. Nothing is done. */
  explainRoute(text: string, policy?: string, signal?: AbortSignal): Promise<RoutingExplained>;
  routingShadow(limit?: string, signal?: AbortSignal): Promise<RoutingShadow>;
}

/** The calls over a transport. */
export function routingCalls(transport: Transport): RoutingCalls {
  return {
    explainRoute: (text, policy, signal) =>
      transport.json({ method: "POST", path: "/v1/route", body: policy === undefined ? { text } : { text, policy } }, signal),
    routingShadow: (limit, signal) =>
      transport.json({ path: `/v1/routing/shadow${limit === undefined ? "" : `?limit=${encodeURIComponent(limit)}`}` }, signal),
  };
}
