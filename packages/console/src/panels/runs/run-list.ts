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
/** New runs make a list no longer than this, or than what was read of it: a page that stays open for days must not grow. */
const GROWN_MAX = 1000;

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
  /** What a search by text finds stands in the order in which the text came up, the newest first; other lists by when runs started. */
  readonly isSearch: boolean;
  readonly mayEnter: (run: RunRecord) => boolean;
}

/** What changed: runs as they stand now, and ids of those that belong here no more. */
export function withChanges(
  list: RunList,
  changes: { readonly runs: readonly RunRecord[]; readonly left: readonly string[] },
  { isHeld, isSearch, mayEnter }: Taking,
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
  const oldest = list.nextBefore === null || isSearch ? "" : (list.rows.at(-1)?.startedAt ?? "");
  const entering = [...changed.values()].filter((run) => run.startedAt >= oldest && mayEnter(run));
  const fresh = isSearch ? entering : entering.toSorted(newestFirst);
  const together = (before: readonly RunRecord[]): readonly RunRecord[] => (isSearch ? [...fresh, ...before] : merged(before, fresh));
  if (isHeld) return { ...list, rows, held: together(held).slice(0, HELD_MAX) };
  return isSearch ? { ...list, rows: together(rows).slice(0, ROWS_MAX), held } : shortened({ ...list, rows: together(rows), held }, list);
}

/** Without the oldest of a list that new runs have made too long; reading on finds them again. */
function shortened(list: RunList, before: RunList): RunList {
  const rows = list.rows.slice(0, Math.min(ROWS_MAX, Math.max(GROWN_MAX, before.rows.length)));
  return rows.length === list.rows.length ? list : { ...list, rows, nextBefore: rows.at(-1)?.id ?? null };
}

/** The newest runs, read anew: what came and what went is taken like any change, so that whoever reads further down stays there. */
export function withNewest(
  list: RunList,
  page: { readonly runs: readonly RunRecord[]; readonly nextBefore: string | null },
  taking: Taking,
): RunList {
  if (taking.isSearch) return withChanges(list, { runs: page.runs, left: [] }, taking);
  const last = page.runs.at(-1);
  const at = last === undefined ? -1 : list.rows.findIndex(({ id }) => id === last.id);
  // Without a run that both know there may be a gap between them, so the list begins anew.
  if (at === -1) return { ...EMPTY_LIST, rows: page.runs, nextBefore: page.nextBefore };
  const there = new Set(page.runs.map(({ id }) => id));
  const gone = list.rows.slice(0, at).filter(({ id }) => !there.has(id));
  return withChanges(list, { runs: page.runs, left: gone.map(({ id }) => id) }, taking);
}

/** Shows what was held back. */
export function released(list: RunList, { isSearch }: Pick<Taking, "isSearch">): RunList {
  if (list.held.length === 0) return list;
  const shown = { ...list, held: [] };
  return isSearch
    ? { ...shown, rows: [...list.held, ...list.rows].slice(0, ROWS_MAX) }
    : shortened({ ...shown, rows: merged(list.rows, list.held) }, list);
}

/** Both in order of their starts, the newest first, as each of them is. */
function merged(rows: readonly RunRecord[], fresh: readonly RunRecord[]): readonly RunRecord[] {
  const [last, first] = [fresh.at(-1), rows[0]];
  const areAllNewer = last === undefined || first === undefined || newestFirst(last, first) < 0;
  const all = [...fresh, ...rows];
  return areAllNewer ? all : all.toSorted(newestFirst);
}

function newestFirst(one: RunRecord, other: RunRecord): number {
  if (one.startedAt !== other.startedAt) return one.startedAt < other.startedAt ? 1 : -1;
  return one.id < other.id ? 1 : -1;
}
