import type { RunStatus } from "../event.ts";
import type { Json } from "../json.ts";
import type { RunRecord } from "../store.ts";

/** Approvals are counted up to so many. */
export const COUNTED_APPROVALS_MAX = 1_000;

/**
 * Which runs a feed of runs is about; left out, all of them. `parent`: "none" for runs that no other run started, or a run's id. `text`:
 * only runs in which it stands, as in a list; one in which it comes to stand is told from then on.
 */
export interface LiveRunsFilter {
  readonly workflows?: readonly string[];
  readonly statuses?: readonly RunStatus[];
  readonly parent?: string;
  readonly text?: string;
}

/** Which events the whole log's feed is about; left out, all of them. */
export interface LiveLogFilter {
  readonly types?: readonly string[];
  readonly runId?: string;
}

/**
 * What can be listened to. `after` is the position in the log (for a run: the seq of its event) after which it begins; without it, now
 * (for a run: its first event).
 */
export type LiveTopic =
  | { readonly topic: "runs"; readonly filter?: LiveRunsFilter; readonly after?: number }
  | { readonly topic: "run"; readonly runId: string; readonly after?: number }
  | { readonly topic: "log"; readonly filter?: LiveLogFilter; readonly after?: number }
  | { readonly topic: "approvals"; readonly after?: number }
  | { readonly topic: "overview"; readonly after?: number };

/** Counters that cost nearly nothing. `lastMinute` counts what this server saw in the last sixty seconds. */
export interface LiveOverview {
  readonly runs: { readonly queued: number; readonly running: number; readonly waiting: number; readonly paused: number };
  /** Up to `COUNTED_APPROVALS_MAX`. */
  readonly approvals: number;
  readonly lastMinute: {
    readonly events: number;
    readonly started: number;
    readonly completed: number;
    readonly failed: number;
    readonly cancelled: number;
  };
}

/** What a frame holds, by its topic; `Approval` is an entry of the list of approvals. */
export interface LiveFrames<Approval> {
  /** Runs as they stand now, each once, and the ids of those that the filter's statuses no longer hold. */
  readonly runs: { readonly runs: readonly RunRecord[]; readonly left: readonly string[] };
  /** The run's next events, in order. After the last frame of a run that has ended, `ended` is told. */
  readonly run: { readonly events: readonly Json[] };
  /** Events of all runs in the order of the log, redacted. */
  readonly log: { readonly events: readonly { readonly position: number; readonly event: Json }[] };
  /** What runs ask of people now, the most urgent first, at most 200; `total` says how many there are, up to `COUNTED_APPROVALS_MAX`. */
  readonly approvals: { readonly approvals: readonly Approval[]; readonly total: number };
  readonly overview: LiveOverview;
}

/** What a client says on the socket. */
export type LiveRequest =
  | ({ readonly type: "subscribe"; readonly id: string } & LiveTopic)
  | { readonly type: "unsubscribe"; readonly id: string }
  /** The frame up to `position` is dealt with. The server sends a few more than are acknowledged, and no more. */
  | { readonly type: "ack"; readonly id: string; readonly position: number };

/** What a feed tells, one after the other. `position` is what `after` must be to go on from there. */
export type LiveNews =
  | { readonly type: "subscribed"; readonly position: number }
  | { readonly type: "frame"; readonly position: number; readonly data: Json }
  /** Too much happened since `after` to tell it all: read the lists anew; what follows begins at `position`. */
  | { readonly type: "reset"; readonly position: number; readonly reason: string }
  | { readonly type: "ended" };

/** What the server says: a feed's news under the client's name for it, what is wrong, or that it is still there. */
export type LiveReply =
  | (LiveNews & { readonly id: string })
  | { readonly type: "error"; readonly id: string | null; readonly code: string; readonly message: string }
  | { readonly type: "heartbeat" };
