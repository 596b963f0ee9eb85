import type { Json } from "@tutti/core";
import type { ApprovalEntry, StartedRun, ToolResult } from "./replies.ts";
import type { Transport } from "./transport.ts";

/** An answer. `argsHash`: of the input that was looked at; `input`: what the tool is called with instead. */
export interface ApprovalAnswer {
  readonly approved: boolean;
  readonly reason: string;
  readonly argsHash?: string | undefined;
  readonly input?: Json | undefined;
}

/** One call of a tool that is approved before it is made. */
export interface ApproveRequest {
  readonly tool: string;
  readonly input: Json;
  readonly principal?: string | undefined;
  readonly expiresInMs?: number | undefined;
  readonly reason?: string | undefined;
}

/** What an input may hold at one place. */
type InputCondition =
  | { readonly equals: Json }
  | { readonly oneOf: readonly Json[] }
  | { readonly pattern: string }
  | { readonly min?: number | undefined; readonly max: number };

/** A call of a tool about which policy may ask. */
interface ApprovedCall {
  readonly tool: string;
  readonly input: Json;
  /** What calls have in common: what one read from outside counts for those after it. */
  readonly conversation?: string | undefined;
  readonly approvalId?: string | undefined;
  readonly wait?: boolean | undefined;
}

/** Calls of a tool that are approved for some time: of which inputs, for whom, how often, how much. */
export interface GrantRequest {
  readonly tool: string;
  readonly principal?: string | undefined;
  readonly agent?: string | undefined;
  readonly where?: Readonly<Record<string, InputCondition>> | undefined;
  readonly usesMax: number;
  readonly amount?: { readonly path: string; readonly max: number } | undefined;
  readonly expiresInMs: number;
  readonly reason?: string | undefined;
}

/** An approval that was given before it was needed, and what became of it. One of one call has an `argsHash`. */
export interface GrantEntry {
  readonly approvalId: string;
  readonly tool: string;
  readonly status: "open" | "used up" | "expired" | "revoked";
  readonly argsHash?: string;
  readonly principal?: string;
  readonly agent?: string;
  readonly where?: Readonly<Record<string, InputCondition>>;
  readonly usesMax: number;
  readonly used: number;
  readonly amount?: { readonly path: string; readonly max: number };
  readonly amountLeft?: number;
  readonly by: readonly string[];
  readonly reason: string;
  readonly givenAt: string;
  readonly expiresAt: string;
  readonly uses: readonly {
    readonly at: string;
    readonly runId: string;
    readonly key: string;
    readonly principal: string;
    readonly amount?: number;
  }[];
  readonly revoked?: { readonly by: string; readonly reason: string; readonly at: string };
}

/** Calls about what runs ask of people, and about approvals that people give before they are asked. */
export interface ApprovalCalls {
  approvals(
    query?: { readonly run?: string | undefined; readonly limit?: number },
    signal?: AbortSignal,
  ): Promise<readonly ApprovalEntry[]>;
  answerApproval(
    approval: { readonly runId: string; readonly key: string },
    answer: ApprovalAnswer,
    signal?: AbortSignal,
  ): Promise<Pick<StartedRun, "run">>;
  approveCall(
    request: ApproveRequest,
    signal?: AbortSignal,
  ): Promise<{ readonly approvalId: string; readonly argsHash: string; readonly expiresAt: string }>;
  /** Calls a tool with an approval, or, with `wait`, waits for people when policy asks. */
  callApproved(call: ApprovedCall, signal?: AbortSignal): Promise<ToolResult>;
  grants(query?: { readonly kind?: "grant" | "approval"; readonly all?: boolean }, signal?: AbortSignal): Promise<readonly GrantEntry[]>;
  grant(approvalId: string, signal?: AbortSignal): Promise<GrantEntry>;
  createGrant(request: GrantRequest, signal?: AbortSignal): Promise<GrantEntry>;
  /** Approves what somebody has approved, where a rule wants two. */
  secondGrant(approvalId: string, reason: string, signal?: AbortSignal): Promise<GrantEntry>;
  revokeGrant(approvalId: string, reason: string, signal?: AbortSignal): Promise<GrantEntry>;
}

/** People may take their time. */
const PEOPLE_TIMEOUT_MS = 24 * 3_600_000;

export function approvalCalls(transport: Transport): ApprovalCalls {
  const path = (id: string, act = ""): string => `/v1/approvals/grants/${encodeURIComponent(id)}${act}`;
  const one = async (reply: Promise<{ readonly grant: GrantEntry }>): Promise<GrantEntry> => (await reply).grant;
  return {
    approvals: async (query = {}, signal) =>
      (await transport.json<{ readonly approvals: readonly ApprovalEntry[] }>({ path: "/v1/approvals", query }, signal)).approvals,
    answerApproval: ({ runId, key }, answer, signal) =>
      transport.json(
        { method: "POST", path: `/v1/runs/${encodeURIComponent(runId)}/approvals/${encodeURIComponent(key)}`, body: answer },
        signal,
      ),
    approveCall: (request, signal) => transport.json({ method: "POST", path: "/v1/tools/approve", body: request }, signal),
    callApproved: (call, signal) =>
      transport.json({ method: "POST", path: "/v1/tools/execute", body: call, timeoutMs: PEOPLE_TIMEOUT_MS }, signal),
    grants: async (query = {}, signal) =>
      (await transport.json<{ readonly grants: readonly GrantEntry[] }>({ path: "/v1/approvals/grants", query }, signal)).grants,
    grant: (id, signal) => one(transport.json({ path: path(id) }, signal)),
    createGrant: (request, signal) => one(transport.json({ method: "POST", path: "/v1/approvals/grants", body: request }, signal)),
    secondGrant: (id, reason, signal) => one(transport.json({ method: "POST", path: path(id, "/approve"), body: { reason } }, signal)),
    revokeGrant: (id, reason, signal) => one(transport.json({ method: "POST", path: path(id, "/revoke"), body: { reason } }, signal)),
  };
}
