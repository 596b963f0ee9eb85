/** Which runs are selected: some by their ids, or all that the filters find, also those that were never read. */
export type Selection =
  | { readonly type: "some"; readonly ids: ReadonlySet<string>; readonly lastId: string | undefined }
  | { readonly type: "all" };

/** Nothing is selected. */
export const NOTHING: Selection = { type: "some", ids: new Set(), lastId: undefined };

/** With one run more, or one fewer; with a range, all from the one selected last to it. `ids` are all that are listed, in their order. */
export function withSelected(
  selection: Selection,
  id: string,
  { isRange, ids }: { readonly isRange: boolean; readonly ids: readonly string[] },
): Selection {
  // One of all is taken out: those that are listed stay.
  const before = selection.type === "all" ? { ids: new Set(ids), lastId: undefined } : selection;
  const from = before.lastId === undefined ? -1 : ids.indexOf(before.lastId);
  const to = ids.indexOf(id);
  if (isRange && from !== -1 && to !== -1) {
    const range = ids.slice(Math.min(from, to), Math.max(from, to) + 1);
    return { type: "some", ids: new Set([...before.ids, ...range]), lastId: id };
  }
  const next = new Set(before.ids);
  if (!next.delete(id)) next.add(id);
  return { type: "some", ids: next, lastId: id };
}

/** The ids that are shown as selected among those listed. */
export function shownSelected(selection: Selection, ids: readonly string[]): ReadonlySet<string> {
  return selection.type === "all" ? new Set(ids) : selection.ids;
}

/** Whether anything is selected. */
export function hasSelected(selection: Selection): boolean {
  return selection.type === "all" || selection.ids.size > 0;
}
