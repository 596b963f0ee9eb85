import type { Json } from "@tutti/core";
import type { Transport } from "./transport.ts";

/** An error as it is kept. */
interface KeptError {
  readonly code: string;
  readonly message: string;
}

/** Work to supervise; what is left out of the policy has a default. */
export interface SupervisedRequest {
  readonly name: string;
  readonly workflow: string;
  readonly input?: Json;
  readonly policy?: Json;
}

/** Work under supervision. */
export interface SupervisedEntry extends SupervisedRequest {
  readonly supervisorId: string;
  readonly status: "running" | "waiting to restart" | "crash loop" | "stopping" | "broken";
  readonly since: string;
  readonly runId: string | null;
  readonly restarts: number;
  readonly failures: number;
  readonly error: KeptError | null;
  readonly restartAt: string | null;
  readonly stuck: readonly { readonly step: string; readonly attempt: number; readonly since: string; readonly message: string }[];
}

/** Work that failed for good and waits for somebody to look. */
export interface DeadLetterEntry {
  readonly id: string;
  readonly source: string;
  readonly since: string;
  readonly status: "waiting" | "retrying" | "retried" | "dismissed";
  readonly attempts: number;
  readonly error: KeptError;
  readonly runId?: string;
  readonly workflow?: string;
  readonly input?: Json;
  readonly outcome?: Json;
}

/** How a part of the server is, since when, why, and what to do about it. */
export interface ComponentEntry {
  readonly name: string;
  readonly status: "ok" | "off" | "degraded" | "down";
  readonly since: string;
  readonly reason: string;
  readonly todo: string | null;
}

/** How the server is, as its worst part. */
export interface HealthReply {
  readonly status: "ok" | "degraded" | "down";
  readonly components: readonly ComponentEntry[];
}

/** How a dead letter is tried again. */
export interface RetryRequest {
  readonly from?: "step" | "start";
  readonly input?: Json;
}

/** Which dead letters to list: those that wait unless `ended`. */
export interface DeadLetterQuery {
  readonly ended?: boolean;
  readonly limit?: number;
  readonly before?: string;
}

/** The calls about supervised work, dead letters and health. */
export interface SupervisionCalls {
  supervised(signal?: AbortSignal): Promise<readonly SupervisedEntry[]>;
  supervisedOne(name: string, signal?: AbortSignal): Promise<SupervisedEntry>;
  supervise(request: SupervisedRequest, signal?: AbortSignal): Promise<SupervisedEntry>;
  resumeSupervised(name: string, signal?: AbortSignal): Promise<SupervisedEntry>;
  stopSupervised(name: string, reason: string, signal?: AbortSignal): Promise<SupervisedEntry>;
  deadLetters(query?: DeadLetterQuery, signal?: AbortSignal): Promise<readonly DeadLetterEntry[]>;
  deadLetter(id: string, signal?: AbortSignal): Promise<DeadLetterEntry>;
  retryDeadLetter(id: string, retry: RetryRequest, signal?: AbortSignal): Promise<DeadLetterEntry>;
  dismissDeadLetter(id: string, reason: string, signal?: AbortSignal): Promise<DeadLetterEntry>;
  health(signal?: AbortSignal): Promise<HealthReply>;
}

type Ask = Parameters<Transport["json"]>[0];

/** The calls over a transport. */
export function supervisionCalls(transport: Transport): SupervisionCalls {
  const work = (name: string, rest = ""): string => `/v1/supervisor/${encodeURIComponent(name)}${rest}`;
  const letter = (id: string, rest = ""): string => `/v1/dead-letters/${encodeURIComponent(id)}${rest}`;
  const oneSupervised = async (ask: Ask, signal?: AbortSignal): Promise<SupervisedEntry> =>
    (await transport.json<{ readonly supervised: SupervisedEntry }>(ask, signal)).supervised;
  const oneLetter = async (ask: Ask, signal?: AbortSignal): Promise<DeadLetterEntry> =>
    (await transport.json<{ readonly deadLetter: DeadLetterEntry }>(ask, signal)).deadLetter;
  return {
    supervised: async (signal) =>
      (await transport.json<{ readonly supervised: readonly SupervisedEntry[] }>({ path: "/v1/supervisor" }, signal)).supervised,
    supervisedOne: (name, signal) => oneSupervised({ path: work(name) }, signal),
    supervise: (request, signal) => oneSupervised({ method: "POST", path: "/v1/supervisor", body: request }, signal),
    resumeSupervised: (name, signal) => oneSupervised({ method: "POST", path: work(name, "/resume"), body: {} }, signal),
    stopSupervised: (name, reason, signal) => oneSupervised({ method: "POST", path: work(name, "/stop"), body: { reason } }, signal),
    deadLetters: async (query = {}, signal) =>
      (
        await transport.json<{ readonly deadLetters: readonly DeadLetterEntry[] }>(
          { path: "/v1/dead-letters", query: { ...query } },
          signal,
        )
      ).deadLetters,
    deadLetter: (id, signal) => oneLetter({ path: letter(id) }, signal),
    retryDeadLetter: (id, retry, signal) => oneLetter({ method: "POST", path: letter(id, "/retry"), body: retry }, signal),
    dismissDeadLetter: (id, reason, signal) => oneLetter({ method: "POST", path: letter(id, "/dismiss"), body: { reason } }, signal),
    health: (signal) => transport.json({ path: "/v1/health/components" }, signal),
  };
}
