import type { Event, EventDraft, RunStatus, StepKind } from "./event.ts";
import type { Json } from "./json.ts";
import type { ApprovalRequest } from "./workflow.ts";

/** Keeps the event log and what is derived from it. One process writes at a time. */
export interface Store {
  /**
   * Journals events: they are hashed in order and durable when this resolves. Calls are group-committed in call order. When the disk is
   * full it waits and tries again; `health` says so meanwhile. With "soon" a store may wait a moment for more to write with it, because
   * nobody waits for this. An event that is there already, same run, same `seq`, is left as it is (`run.recorded`, or the same content);
   * another in its place is a `conflict`.
   */
  append(events: readonly EventDraft[], when?: "now" | "soon"): Promise<void>;
  /** One run's events after `afterSeq`, in order. */
  read(runId: string, options: { readonly afterSeq: number; readonly limit: number }): Promise<readonly Event[]>;
  /** All runs' events after a position in the log, oldest first; with "emits" only those that publish something (steps of kind `emit`). */
  log(options: {
    readonly afterPosition: number;
    readonly limit: number;
    readonly only?: "emits";
  }): Promise<readonly { readonly position: number; readonly event: Event }[]>;
  /** What unfinished runs wait for, soonest first; those without an end last. */
  waits(filter: WaitFilter): Promise<readonly Wait[]>;
  /**
   * Marks a run as one that nobody needs in memory: all that can happen next is the end of one of `waits`, which are all that it waits for
   * (of kind `workflow`: the end of the run called `name`). The mark goes with the next event of the run, or when such a run ends; a run
   * that waits for one that has ended is not marked at all. Resolves once the mark stands as appends do.
   */
  park(runId: string, waits: readonly Wait[]): Promise<void>;
  run(runId: string): Promise<RunRecord | undefined>;
  /** Newest first. */
  runs(filter: RunFilter): Promise<readonly RunRecord[]>;
  /**
   * Tells of runs that other nodes wrote to, once it is durable; `seq` is their newest event. Coalesced; may repeat; late after a lost
   * connection. Read the log for what is new. A store that only this process writes to never calls. Listeners must not throw.
   */
  changes(listener: (change: { readonly runId: string; readonly seq: number }) => void): Disposable;
  /** Content-addressed; durable when this resolves. */
  putBlob(text: string): Promise<BlobRef>;
  getBlob(ref: BlobRef): Promise<string>;
  /** Small host facts, such as the token's hash. */
  getSetting(name: string): Promise<Json | undefined>;
  setSetting(name: string, value: Json): Promise<void>;
  /** Removes one; nothing happens when there is none. */
  deleteSetting(name: string): Promise<void>;
  /** A consistent copy of everything, while running. `target` is a folder that does not exist yet. */
  backup(target: string): Promise<void>;
  health(): StoreHealth;
  close(): Promise<void>;
}

/** A run as lists show it. `head` is the hash of its last event. */
export interface RunRecord {
  readonly id: string;
  readonly workflow: string;
  readonly version: string;
  readonly status: RunStatus;
  readonly startedAt: string;
  readonly endedAt: string | null;
  readonly parentId: string | null;
  readonly principalId: string;
  readonly events: number;
  readonly head: string;
}

/**
 * A step that waits: for a time, a signal, an approval, or (kind `workflow`) the end of the run called `name`. The run's deadline is one too
 * (key "", kind "sleep", name "deadline"). Times are ISO 8601.
 */
export interface Wait {
  readonly runId: string;
  readonly key: string;
  readonly kind: StepKind;
  readonly name: string;
  readonly since: string;
  readonly until: string | null;
  readonly approval?: ApprovalRequest;
}

/** Which waits to list. `until` is a moment in ISO 8601: waits that end by then. `parked`: only those of runs that are not in memory. */
export interface WaitFilter {
  readonly runId?: string;
  readonly kind?: StepKind;
  readonly name?: string;
  readonly until?: string;
  readonly parked?: true;
  readonly limit: number;
}

/**
 * Which runs to list. `beforeId` pages: run ids sort by time. `parked: false`: only runs that need to be in memory. `parentId: null`: only
 * runs that no other started. `since` (included) and `until` bound when they started, in ISO 8601.
 */
export interface RunFilter {
  readonly statuses?: readonly RunStatus[];
  readonly parked?: false;
  readonly parentId?: string | null;
  /** Only runs whose parent has ended. */
  readonly orphaned?: true;
  readonly workflow?: string;
  readonly workflows?: readonly string[];
  readonly principalId?: string;
  readonly since?: string;
  readonly until?: string;
  readonly beforeId?: string;
  readonly limit: number;
}

/** A large value's place. `$blob` is its SHA-256 in hex. */
export interface BlobRef {
  readonly $blob: string;
  readonly sizeBytes: number;
}

/** Whether the store can write now. */
type StoreHealth =
  | { readonly ok: true }
  | {
      readonly ok: false;
      readonly code: "storage_full" | "storage_corrupt" | "storage_unwritable" | "storage_unreachable";
      readonly message: string;
    };
