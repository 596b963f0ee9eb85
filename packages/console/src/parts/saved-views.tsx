import { queryOptions, useQuery, useQueryClient } from "@tanstack/react-query";
import type { SavedView } from "@tutti/client";
import { AppError, canonicalJson, type Json } from "@tutti/core";
import { Bookmark, Pencil, Trash2 } from "lucide-react";
import { useCallback, useImperativeHandle, useState, type ReactNode, type Ref } from "react";
import { useAction } from "../action.ts";
import { client } from "../server.ts";
import { Button, IconButton } from "./button.tsx";
import { TextField } from "./fields.tsx";
import { Flyout } from "./flyout.tsx";
import { fieldsOf } from "./json-fields.ts";
import { Queried } from "./queried.tsx";
import { complain, say } from "./toasts.tsx";

/** What a page needs to be as it was: the texts behind "?" in its address. */
type ViewTexts = Readonly<Record<string, string>>;

interface SavedViewsProps {
  /** Whose views: "runs", "events". */
  readonly page: string;
  /** The view as it is now. */
  readonly value: ViewTexts;
  readonly onOpen: (value: ViewTexts) => void;
  /** Opens the list of views. */
  readonly opener?: Ref<() => void>;
}

const viewsQuery = queryOptions({ queryKey: ["views"], queryFn: ({ signal }) => client.views(signal) });

/** Filters under a name: choose, save what is shown now, rename, delete. They are kept on the server, so every browser has them. */
export function SavedViews({ page, value: given, onOpen, opener }: SavedViewsProps): ReactNode {
  const value = textsOf(given);
  const [isOpen, setOpen] = useState(false);
  useImperativeHandle(opener, () => () => setOpen(true), []);
  const views = useQuery({ ...viewsQuery, select: useCallback((all: readonly SavedView[]) => viewsOf(page, all), [page]) });
  // What says nothing is every page without filters, and no view of it.
  const shown = Object.keys(value).length === 0 ? undefined : views.data?.find((view) => isSame(view.value, value));
  return (
    <Flyout
      title="Saved views"
      isOpen={isOpen}
      onOpen={setOpen}
      isOn={shown !== undefined}
      label={
        <>
          <Bookmark aria-hidden className="size-3.5" />
          {shown?.name ?? "Views"}
        </>
      }
    >
      <div className="flex flex-col gap-3">
        <Queried query={views} lines={2}>
          {(list) =>
            list.length === 0 ? (
              <p className="text-[13px] text-ink-2">No view is saved yet. Filter the list, then save it here under a name.</p>
            ) : (
              <ul className="flex flex-col">
                {list.map((view) => (
                  <Entry
                    key={view.name}
                    view={view}
                    isShown={view === shown}
                    onChoose={() => {
                      onOpen(view.value);
                      setOpen(false);
                    }}
                  />
                ))}
              </ul>
            )
          }
        </Queried>
        {Object.keys(value).length > 0 && <SaveView page={page} value={value} taken={views.data ?? []} />}
      </div>
    </Flyout>
  );
}

/** A view without its page's name before its own. */
interface View {
  readonly page: string;
  readonly name: string;
  readonly value: ViewTexts;
}

interface SaveProps {
  readonly page: string;
  readonly value: ViewTexts;
  readonly taken: readonly View[];
}

function SaveView({ page, value, taken }: SaveProps): ReactNode {
  const [name, setName] = useState("");
  const changes = useChanges();
  const wanted = name.trim();
  const isTaken = taken.some((view) => view.name === wanted);
  return (
    <form
      className="flex flex-col gap-2 border-t border-line pt-3"
      onSubmit={(event) => {
        event.preventDefault();
        if (wanted !== "") changes.mutate({ type: "save", view: { page, name: wanted, value } }, { onSuccess: () => setName("") });
      }}
    >
      <TextField
        label="Save these filters as"
        value={name}
        maxLength={80}
        help={isTaken ? "A view has this name; it will be replaced." : undefined}
        onChange={({ target }) => setName(target.value)}
      />
      <Button type="submit" isBusy={changes.isPending} disabled={wanted === ""}>
        {isTaken ? "Replace" : "Save"}
      </Button>
    </form>
  );
}

interface EntryProps {
  readonly view: View;
  readonly isShown: boolean;
  readonly onChoose: () => void;
}

function Entry({ view, isShown, onChoose }: EntryProps): ReactNode {
  const [typed, setTyped] = useState<string>();
  const changes = useChanges();
  const { name } = view;
  if (typed !== undefined)
    return (
      <li>
        <form
          className="flex items-end gap-2 py-1"
          onSubmit={(event) => {
            event.preventDefault();
            const wanted = typed.trim();
            if (wanted === "" || wanted === name) return setTyped(undefined);
            changes.mutate({ type: "rename", view, name: wanted }, { onSuccess: () => setTyped(undefined) });
          }}
        >
          <div className="grow">
            <TextField
              label={`New name of ${name}`}
              autoFocus
              value={typed}
              maxLength={80}
              onChange={({ target }) => setTyped(target.value)}
            />
          </div>
          <Button type="submit" isBusy={changes.isPending}>
            Rename
          </Button>
        </form>
      </li>
    );
  return (
    <li className="flex items-center gap-1">
      <button
        type="button"
        aria-current={isShown}
        onClick={onChoose}
        className="min-w-0 grow truncate rounded px-1.5 py-1.5 text-start text-[13px] hover:bg-ground-2 aria-[current=true]:text-blue"
        dir="auto"
      >
        {name}
      </button>
      <IconButton label={`Rename ${name}`} onClick={() => setTyped(name)}>
        <Pencil aria-hidden className="size-3.5" />
      </IconButton>
      <IconButton label={`Delete ${name}`} onClick={() => changes.mutate({ type: "delete", view })}>
        <Trash2 aria-hidden className="size-3.5" />
      </IconButton>
    </li>
  );
}

type Change =
  | { readonly type: "save"; readonly view: View }
  | { readonly type: "rename"; readonly view: View; readonly name: string }
  | { readonly type: "delete"; readonly view: View };

/** Changes of the saved views; one that is deleted can be brought back. */
function useChanges() {
  const queries = useQueryClient();
  const readAgain = (): Promise<void> => queries.invalidateQueries({ queryKey: viewsQuery.queryKey });
  const putBack = async (view: View): Promise<void> => {
    await save(view).catch(complain);
    await readAgain();
  };
  return useAction({
    mutationFn: (change: Change) => perform(change, queries.getQueryData(viewsQuery.queryKey) ?? []),
    onSuccess: async (_, change) => {
      await readAgain();
      const { name } = change.view;
      if (change.type === "save") say(`View "${name}" is saved`);
      if (change.type === "rename") say(`View "${name}" is now called "${change.name}"`);
      if (change.type === "delete") say(`View "${name}" is deleted`, { undo: () => void putBack(change.view) });
    },
    onError: complain,
  });
}

async function perform(change: Change, all: readonly SavedView[]): Promise<void> {
  const { view } = change;
  switch (change.type) {
    case "save":
      return save(view);
    case "rename":
      if (all.some(({ name }) => name === keyOf({ ...view, name: change.name })))
        throw new AppError("conflict", `wanted a name that no view has, got "${change.name}"; delete that view first, or choose another`);
      await save({ ...view, name: change.name });
      return client.deleteView(keyOf(view));
    case "delete":
      return client.deleteView(keyOf(view));
  }
}

async function save(view: View): Promise<void> {
  await client.saveView(keyOf(view), view.value);
}

function keyOf({ page, name }: Pick<View, "page" | "name">): string {
  return `${page}: ${name}`;
}

function viewsOf(page: string, all: readonly SavedView[]): readonly View[] {
  const prefix = keyOf({ page, name: "" });
  return all
    .filter(({ name }) => name.startsWith(prefix))
    .map(({ name, value }) => ({ page, name: name.slice(prefix.length), value: textsOf(value) }));
}

/** What says something. What was saved is read with care: another version of the console may have written it. */
function textsOf(value: Json): ViewTexts {
  return Object.fromEntries(
    Object.entries(fieldsOf(value)).filter((entry): entry is [string, string] => typeof entry[1] === "string" && entry[1] !== ""),
  );
}

function isSame(one: ViewTexts, other: ViewTexts): boolean {
  return canonicalJson({ ...one }) === canonicalJson({ ...other });
}
