import { Menu } from "@base-ui/react/menu";
import { queryOptions, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { Bookmark, Trash2 } from "lucide-react";
import { useState, type ReactNode } from "react";
import { client } from "../server.ts";
import { Button, IconButton } from "./button.tsx";
import { TextField } from "./fields.tsx";
import { complain, say } from "./toasts.tsx";
import { Window } from "./window.tsx";

/** What a page needs to be as it was: the texts behind "?" in its address. */
type View = Readonly<Record<string, string>>;

interface SavedViewsProps {
  /** Whose views: "runs", "events". */
  readonly page: string;
  /** The view as it is now. */
  readonly value: View;
  readonly onOpen: (value: View) => void;
}

const viewsQuery = queryOptions({ queryKey: ["views"], queryFn: ({ signal }) => client.views(signal) });

/** Filters that people keep under a name. They are kept on the server, so every browser has them. */
export function SavedViews({ page, value, onOpen }: SavedViewsProps): ReactNode {
  const { data: all = [] } = useQuery(viewsQuery);
  const [isNaming, setNaming] = useState(false);
  const removing = useRemove();
  const views = all.filter(({ name }) => name.startsWith(`${page}: `));
  return (
    <>
      <Menu.Root>
        <Menu.Trigger render={<Button />}>
          <Bookmark aria-hidden className="size-3.5" />
          Views
        </Menu.Trigger>
        <Menu.Portal>
          <Menu.Positioner sideOffset={6} align="end" className="z-40">
            <Menu.Popup className="min-w-56 rounded-lg border border-line bg-ground-1 p-1 shadow-xl">
              {views.length === 0 && <p className="px-2 py-1.5 text-xs text-ink-2">Nothing is saved yet.</p>}
              {views.map(({ name, value: saved }) => (
                <div key={name} className="flex items-center">
                  <Menu.Item className={ITEM} onClick={() => onOpen(viewOf(saved))}>
                    <span dir="auto">{name.slice(page.length + 2)}</span>
                  </Menu.Item>
                  <IconButton label={`Delete ${name}`} onClick={() => removing.mutate({ name, value: viewOf(saved) })}>
                    <Trash2 aria-hidden className="size-3.5" />
                  </IconButton>
                </div>
              ))}
              <Menu.Separator className="my-1 h-px bg-line" />
              <Menu.Item className={ITEM} onClick={() => setNaming(true)}>
                Save this view …
              </Menu.Item>
            </Menu.Popup>
          </Menu.Positioner>
        </Menu.Portal>
      </Menu.Root>
      {isNaming && <Naming page={page} value={value} onClose={() => setNaming(false)} />}
    </>
  );
}

const ITEM = "flex h-8 grow cursor-pointer items-center rounded px-2 text-[13px] data-[highlighted]:bg-ground-3";

function Naming({ page, value, onClose }: Omit<SavedViewsProps, "onOpen"> & { readonly onClose: () => void }): ReactNode {
  const [name, setName] = useState("");
  const queries = useQueryClient();
  const saving = useMutation({
    mutationFn: () => client.saveView(`${page}: ${name.trim()}`, value),
    onSuccess: () => {
      say(`Saved as ${name.trim()}`);
      onClose();
      return queries.invalidateQueries(viewsQuery);
    },
    onError: complain,
  });
  return (
    <Window title="Save this view" isOpen onClose={onClose}>
      <form
        className="flex flex-col gap-3"
        onSubmit={(event) => {
          event.preventDefault();
          saving.mutate();
        }}
      >
        <TextField label="Name" value={name} autoFocus required maxLength={80} onChange={({ target }) => setName(target.value)} />
        <Button type="submit" tone="primary" isBusy={saving.isPending} disabled={name.trim() === ""}>
          Save
        </Button>
      </form>
    </Window>
  );
}

function useRemove() {
  const queries = useQueryClient();
  return useMutation({
    mutationFn: ({ name }: { readonly name: string; readonly value: View }) => client.deleteView(name),
    onSuccess: (_, { name, value }) => {
      const undo = (): void => void client.saveView(name, value).then(() => queries.invalidateQueries(viewsQuery), complain);
      say(`Deleted ${name}`, { undo });
      return queries.invalidateQueries(viewsQuery);
    },
    onError: complain,
  });
}

function viewOf(value: unknown): View {
  if (typeof value !== "object" || value === null) return {};
  return Object.fromEntries(Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === "string"));
}
