import type { RunRecord } from "@tutti/core";

/** Runs as they are listed, newest first, and what is known of the rest. */
export interface RunList {
  readonly rows: readonly RunRecord[];
  /** New runs that are not shown yet, newest first, because somebody reads further down. */
  readonly held: readonly RunRecord[];
  /** Where the next page begins; null at the end, undefined before the first page. */
  readonly nextBefore: string | null | undefined;
  /** How many events a search by text has looked through. */
  readonly scanned: number;
}

/** Runs that are kept in one list, and new ones that are held back. Beyond it the oldest go: they can be read again. */
const ROWS_MAX = 50_000;
const HELD_MAX = 5000;

/** A list before its first page. */
export const EMPTY_LIST: RunList = { rows: [], held: [], nextBefore: undefined, scanned: 0 };

/** A page of older runs. What the live feed told in the meantime is newer, and stays. */
export function withPage(
  list: RunList,
  page: { readonly runs: readonly RunRecord[]; readonly nextBefore: string | null; readonly scanned?: number },
): RunList {
  const known = new Set(list.rows.map(({ id }) => id));
  for (const { id } of list.held) known.add(id);
  return {
    ...list,
    rows: [...list.rows, ...page.runs.filter(({ id }) => !known.has(id))].slice(0, ROWS_MAX),
    nextBefore: page.nextBefore,
    scanned: list.scanned + (page.scanned ?? 0),
  };
}

/** How changes are taken: whether new runs are held back, and which runs may come in that were not there. */
export interface Taking {
  readonly isHeld: boolean;
  readonly mayEnter: (run: RunRecord) => boolean;
}

/** What changed: runs as they stand now, and ids of those that belong here no more. */
export function withChanges(
  list: RunList,
  changes: { readonly runs: readonly RunRecord[]; readonly left: readonly string[] },
  { isHeld, mayEnter }: Taking,
): RunList {
  const changed = new Map(changes.runs.map((run) => [run.id, run]));
  const left = new Set(changes.left);
  const put = (run: RunRecord): RunRecord => {
    const now = changed.get(run.id);
    changed.delete(run.id);
    return now === undefined || now.events < run.events ? run : now;
  };
  const isStaying = ({ id }: RunRecord): boolean => !left.has(id);
  const rows = (left.size === 0 ? list.rows : list.rows.filter(isStaying)).map(put);
  const held = (left.size === 0 ? list.held : list.held.filter(isStaying)).map(put);
  // A run that is older than what was read belongs further down, where reading on finds it.
  const oldest = list.nextBefore === null ? "" : (list.rows.at(-1)?.startedAt ?? "");
  const fresh = [...changed.values()].filter((run) => run.startedAt >= oldest && mayEnter(run));
  return isHeld ? { ...list, rows, held: merged(held, fresh, HELD_MAX) } : { ...list, rows: merged(rows, fresh, ROWS_MAX), held };
}

/** The newest runs, read anew: what came and what went is taken like any change, so that whoever reads further down stays there. */
export function withNewest(
  list: RunList,
  page: { readonly runs: readonly RunRecord[]; readonly nextBefore: string | null },
  taking: Taking,
): RunList {
  const last = page.runs.at(-1);
  const at = last === undefined ? -1 : list.rows.findIndex(({ id }) => id === last.id);
  // Without a run that both know there may be a gap between them, so the list begins anew.
  if (at === -1) return { ...EMPTY_LIST, rows: page.runs, nextBefore: page.nextBefore };
  const there = new Set(page.runs.map(({ id }) => id));
  const gone = list.rows.slice(0, at).filter(({ id }) => !there.has(id));
  return withChanges(list, { runs: page.runs, left: gone.map(({ id }) => id) }, taking);
}

/** Shows what was held back. */
export function released(list: RunList): RunList {
  return list.held.length === 0 ? list : { ...list, rows: merged(list.rows, list.held, ROWS_MAX), held: [] };
}

function merged(rows: readonly RunRecord[], fresh: readonly RunRecord[], max: number): readonly RunRecord[] {
  if (fresh.length === 0) return rows;
  const sorted = fresh.toSorted(newestFirst);
  const [last, first] = [sorted.at(-1), rows[0]];
  const areAllNewer = last === undefined || first === undefined || newestFirst(last, first) < 0;
  const all = [...sorted, ...rows];
  return (areAllNewer ? all : all.toSorted(newestFirst)).slice(0, max);
}

function newestFirst(one: RunRecord, other: RunRecord): number {
  if (one.startedAt !== other.startedAt) return one.startedAt < other.startedAt ? 1 : -1;
  return one.id < other.id ? 1 : -1;
}
