import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import type { SavedView } from "@tutti/client";
import { AppError, type Json } from "@tutti/core";
import { Bookmark, Pencil, Trash2 } from "lucide-react";
import { useState, type ReactNode } from "react";
import { Button, IconButton } from "../../parts/button.tsx";
import { TextField } from "../../parts/fields.tsx";
import { Flyout } from "../../parts/flyout.tsx";
import { Queried } from "../../parts/queried.tsx";
import { complain, say } from "../../parts/toasts.tsx";
import { client } from "../../server.ts";
import { VIEW_PREFIX, viewsQuery } from "./queries.ts";
import { filtersOf, isEverything, searchOf, type RunFilters } from "./run-filters.ts";

interface ViewsProps {
  readonly filters: RunFilters;
  readonly onFilters: (filters: RunFilters) => void;
  readonly isOpen: boolean;
  readonly onOpen: (isOpen: boolean) => void;
}

/** Filters under a name: choose, save what is shown now, rename, delete. */
export function ViewsMenu({ filters, onFilters, isOpen, onOpen }: ViewsProps): ReactNode {
  const views = useQuery(viewsQuery);
  const shown = views.data?.find(({ value }) => isSame(filtersIn(value), filters));
  return (
    <Flyout
      title="Saved views"
      isOpen={isOpen}
      onOpen={onOpen}
      isOn={shown !== undefined}
      label={
        <>
          <Bookmark aria-hidden className="size-3.5" />
          {shown === undefined ? "Views" : nameOf(shown)}
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
                      onFilters(filtersIn(view.value));
                      onOpen(false);
                    }}
                  />
                ))}
              </ul>
            )
          }
        </Queried>
        <SaveView filters={filters} taken={views.data ?? []} />
      </div>
    </Flyout>
  );
}

function SaveView({ filters, taken }: { readonly filters: RunFilters; readonly taken: readonly SavedView[] }): ReactNode {
  const [name, setName] = useState("");
  const changes = useChanges();
  const wanted = name.trim();
  const isTaken = taken.some((view) => nameOf(view) === wanted);
  if (isEverything(filters)) return null;
  return (
    <form
      className="flex flex-col gap-2 border-t border-line pt-3"
      onSubmit={(event) => {
        event.preventDefault();
        if (wanted !== "") changes.mutate({ type: "save", name: wanted, value: valueOf(filters) }, { onSuccess: () => setName("") });
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
  readonly view: SavedView;
  readonly isShown: boolean;
  readonly onChoose: () => void;
}

function Entry({ view, isShown, onChoose }: EntryProps): ReactNode {
  const [typed, setTyped] = useState<string>();
  const changes = useChanges();
  const name = nameOf(view);
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
  | { readonly type: "save"; readonly name: string; readonly value: Json }
  | { readonly type: "rename"; readonly view: SavedView; readonly name: string }
  | { readonly type: "delete"; readonly view: SavedView };

/** Changes of the saved views; one that is deleted can be brought back. */
function useChanges() {
  const queries = useQueryClient();
  const readAgain = (): Promise<void> => queries.invalidateQueries({ queryKey: viewsQuery.queryKey });
  const putBack = async ({ name, value }: SavedView): Promise<void> => {
    await client.saveView(name, value).catch(complain);
    await readAgain();
  };
  return useMutation({
    mutationFn: (change: Change) => perform(change, queries.getQueryData<readonly SavedView[]>(viewsQuery.queryKey) ?? []),
    onSuccess: async (_, change) => {
      await readAgain();
      if (change.type === "save") say(`View "${change.name}" is saved`);
      if (change.type === "rename") say(`View "${nameOf(change.view)}" is now called "${change.name}"`);
      if (change.type === "delete") say(`View "${nameOf(change.view)}" is deleted`, { undo: () => void putBack(change.view) });
    },
    onError: complain,
  });
}

async function perform(change: Change, views: readonly SavedView[]): Promise<void> {
  switch (change.type) {
    case "save":
      await client.saveView(VIEW_PREFIX + change.name, change.value);
      return;
    case "rename": {
      if (views.some(({ name }) => name === VIEW_PREFIX + change.name))
        throw new AppError(
          "conflict",
          `wanted a name that no view has, got "${change.name}"; delete that view first, or choose another name`,
        );
      await client.saveView(VIEW_PREFIX + change.name, change.view.value);
      await client.deleteView(change.view.name);
      return;
    }
    case "delete":
      await client.deleteView(change.view.name);
  }
}

function nameOf({ name }: SavedView): string {
  return name.slice(VIEW_PREFIX.length);
}

function valueOf(filters: RunFilters): Json {
  return Object.fromEntries(Object.entries(searchOf(filters)).filter((entry): entry is [string, string] => entry[1] !== undefined));
}

/** What is saved is read like an address: another version of the console may have written it. */
function filtersIn(value: Json): RunFilters {
  const given = typeof value === "object" && value !== null && !Array.isArray(value) ? Object.entries(value) : [];
  return filtersOf(Object.fromEntries(given.filter((entry): entry is [string, string] => typeof entry[1] === "string")));
}

function isSame(one: RunFilters, other: RunFilters): boolean {
  return JSON.stringify(valueOf(one)) === JSON.stringify(valueOf(other));
}
