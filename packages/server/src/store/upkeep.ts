import type { RunRecord } from "@tutti/core";

/** What a store can do to stay small. It is no part of what runs need of it. */
export interface Upkeep {
  /** Oldest first, whatever their status. `afterId` pages. */
  oldestRuns(page: { readonly afterId?: string | undefined; readonly limit: number }): Promise<readonly RunRecord[]>;
  /** Removes runs that have ended, with their logs; others are left. Resolves when that is durable. */
  removeRuns(runIds: readonly string[]): Promise<void>;
  /** Removes large values that nobody wrote since a moment (ISO 8601): before the oldest run began, no log refers to them. Returns how many. */
  removeBlobs(before: string): Promise<number>;
}
