import type { Event, Json, RunFilter, RunStatus } from "@tutti/core";

/** What a store can tell of many runs at once, for people who look at them. Runs themselves need none of it. */
export interface Survey {
  /** The position of the last event in the log; 0 when there is none. */
  position(): Promise<number>;
  /** Counts runs, at most the newest so many that the filter finds; those that completed by how long they took. */
  countRuns(filter: CountFilter): Promise<readonly RunCount[]>;
  /** Counts runs that started and that ended in a span of time, by bucket. */
  countActivity(span: ActivitySpan): Promise<readonly ActivityCount[]>;
  /**
   * Looks for a text in the newest events before a position, whatever the case of its ASCII letters. An event is found when the text may be
   * in it: who asks looks again. `reached` is the position that was looked at last; `scanned` how many events that were.
   */
  searchLog(search: LogSearch): Promise<LogFindings>;
  /** Settings whose names begin alike, by name. */
  settings(prefix: string, limit: number): Promise<readonly { readonly name: string; readonly value: Json }[]>;
}

/** Which runs to count. */
export interface CountFilter extends Pick<RunFilter, "statuses" | "workflows" | "parentId" | "principalId" | "since" | "until"> {
  readonly newest: number;
}

/** So many runs of one kind. `durationBin` is set for those that completed (`binOf`). */
export interface RunCount {
  readonly workflow: string;
  readonly status: RunStatus;
  readonly durationBin: number | null;
  readonly count: number;
}

/** From `since` (included) to `until`, in ISO 8601. */
export interface ActivitySpan {
  readonly since: string;
  readonly until: string;
  readonly bucketSeconds: number;
}

/** So many runs in the bucket that begins at `bucket` times its length after 1970. Without a status: those that started. */
export interface ActivityCount {
  readonly bucket: number;
  readonly status: RunStatus | null;
  readonly durationBin: number | null;
  readonly count: number;
}

/** What to look for, before which position, in at most how many events. */
export interface LogSearch {
  readonly text: string;
  readonly beforePosition: number;
  readonly events: number;
}

/** What was found, the newest first. */
export interface LogFindings {
  readonly found: readonly { readonly position: number; readonly event: Event }[];
  readonly reached: number;
  readonly scanned: number;
}

/** Durations are counted in bins, each a tenth wider than the one before: whatever is told from a bin's middle is right within 5 %. */
export const BIN_WIDTH = Math.log(1.1);

/** The duration in the middle of a bin, in ms. */
export function durationOf(bin: number): number {
  return Math.round(Math.exp((bin + 0.5) * BIN_WIDTH));
}

/**
 * A pattern for LIKE that whatever holds the text fits, in the JSON that events are kept as. Databases disagree on the case of letters
 * beyond ASCII, so it is made of the longest part without any; other letters are left to whoever looks again.
 */
export function likePattern(text: string): string {
  const written = JSON.stringify(text).slice(1, -1);
  const longest = written.split(/[^\x20-\x7e]+/).reduce((best, part) => (part.length > best.length ? part : best), "");
  return `%${longest.replaceAll(/[\\%_]/g, String.raw`\$&`)}%`;
}
