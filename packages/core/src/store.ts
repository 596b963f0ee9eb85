import type { Event, EventDraft, RunStatus } from "./event.ts";
import type { Json } from "./json.ts";

/** Keeps the event log and what is derived from it. One process writes at a time. */
export interface Store {
  /**
   * Journals events: they are hashed in order and durable when this resolves. Calls are group-committed in call order. When the disk is
   * full it waits and tries again; `health` says so meanwhile. With "soon" a store may wait a moment for more to write with it, because
   * nobody waits for this.
   */
  append(events: readonly EventDraft[], when?: "now" | "soon"): Promise<void>;
  /** One run's events after `afterSeq`, in order. */
  read(runId: string, options: { readonly afterSeq: number; readonly limit: number }): Promise<readonly Event[]>;
  /** All runs' events after a position in the log, oldest first. */
  log(options: {
    readonly afterPosition: number;
    readonly limit: number;
  }): Promise<readonly { readonly position: number; readonly event: Event }[]>;
  run(runId: string): Promise<RunRecord | undefined>;
  /** Newest first. */
  runs(filter: RunFilter): Promise<readonly RunRecord[]>;
  /** Content-addressed; durable when this resolves. */
  putBlob(text: string): Promise<BlobRef>;
  getBlob(ref: BlobRef): Promise<string>;
  /** Small host facts, such as the token's hash. */
  getSetting(name: string): Promise<Json | undefined>;
  setSetting(name: string, value: Json): Promise<void>;
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

/** Which runs to list. `beforeId` pages: run ids sort by time. */
export interface RunFilter {
  readonly statuses?: readonly RunStatus[];
  readonly workflow?: string;
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
  | { readonly ok: false; readonly code: "storage_full" | "storage_corrupt" | "storage_unwritable"; readonly message: string };
