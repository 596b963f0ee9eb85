import { Dialog } from "@base-ui/react/dialog";
import { Command, defaultFilter, useCommandState } from "cmdk";
import { useState, type ReactNode } from "react";
import { useAllActions, type ShellAction } from "./actions.ts";
import { EVERY_RUN, useFound, type PaletteWindow } from "./found.ts";
import { Keys } from "./keys.tsx";
import { recentIds, rememberRecent } from "./recent.ts";

/** How much nearer the top stands what was done before. */
const RECENT_WEIGHT = 1.5;
/** How much nearer the top stands a page than what can be done on it. */
const PLACE_WEIGHT = 1.5;
/** How near the top stands what has the text among its other words; titles count from 0 to 1. */
const WORDS_WEIGHT = 0.1;

interface PaletteProps {
  readonly onClose: () => void;
  readonly onOpen: (window: PaletteWindow) => void;
}

/** Everything that can be done and gone to, found by typing a part of its name; what was done last comes first. */
export function Palette({ onClose, onOpen }: PaletteProps): ReactNode {
  const [text, setText] = useState("");
  const [recent] = useState(recentIds);
  const found = useFound(text.trim(), onOpen);
  const isEmpty = text.trim() === "";
  // Without a text there is too much of what is found by one; what was done last is shown all the same.
  const shown = groupsOf(
    withoutDoubles([...useAllActions(), ...found.filter(({ id }) => !isEmpty || recent.includes(id))]),
    isEmpty ? recent : [],
  );
  const filter = (id: string, search: string, [title = "", words = ""]: string[] = []): number => {
    if (id === EVERY_RUN) return Number.MIN_VALUE;
    const weight = (recent.includes(id) ? RECENT_WEIGHT : 1) * (id.startsWith("go ") ? PLACE_WEIGHT : 1);
    return Math.max(defaultFilter(title, search, []), holds(words, search) ? WORDS_WEIGHT : 0) * weight;
  };
  return (
    <Dialog.Root open onOpenChange={(isOpen) => !isOpen && onClose()}>
      <Dialog.Portal>
        <Dialog.Backdrop className="fixed inset-0 z-40 bg-shade" />
        <Dialog.Popup
          aria-label="Search or do anything"
          className="fixed inset-x-4 top-[12vh] z-50 mx-auto max-w-xl overflow-hidden rounded-xl border border-line bg-ground-1 shadow-2xl"
        >
          <Command loop label="Search or do anything" filter={filter}>
            <Command.Input
              autoFocus
              value={text}
              onValueChange={setText}
              placeholder="An action, a page, a name, or any text of a run"
              className="h-12 w-full border-b border-line bg-transparent px-4 text-sm text-ink outline-none placeholder:text-ink-3"
            />
            <Command.List className="max-h-[52vh] overflow-y-auto p-2">
              <Command.Empty className="px-3 py-8 text-center text-[13px] text-ink-2">Nothing is called that.</Command.Empty>
              {shown.map(([group, entries]) => (
                <Command.Group
                  key={group}
                  heading={group}
                  className="[&_[cmdk-group-heading]]:px-2 [&_[cmdk-group-heading]]:pt-2 [&_[cmdk-group-heading]]:pb-1 [&_[cmdk-group-heading]]:text-[11px] [&_[cmdk-group-heading]]:text-ink-3"
                >
                  {entries.map((action) => (
                    <Entry key={action.id} action={action} onClose={onClose} />
                  ))}
                </Command.Group>
              ))}
            </Command.List>
            <Count />
          </Command>
        </Dialog.Popup>
      </Dialog.Portal>
    </Dialog.Root>
  );
}

function Entry({
  action: { id, title, words, keys, run },
  onClose,
}: {
  readonly action: ShellAction;
  readonly onClose: () => void;
}): ReactNode {
  return (
    <Command.Item
      value={id}
      keywords={[title, words ?? ""]}
      onSelect={() => {
        rememberRecent(id);
        onClose();
        run();
      }}
      className="flex h-9 items-center gap-2 rounded-md px-2 text-[13px] data-[selected=true]:bg-ground-3"
    >
      <span className="grow truncate" dir="auto">
        {title}
      </span>
      {keys !== undefined && <Keys keys={keys} />}
    </Command.Item>
  );
}

const RECENT = "Last done";
/** What every page has stands below what this page has. */
const LAST_GROUPS: readonly string[] = ["Do", "Go to", "General", "Appearance", "Everywhere"];

/** Actions by their groups: what was done last, what this page has, what every page has. */
function groupsOf(
  actions: readonly ShellAction[],
  recent: readonly string[],
): readonly (readonly [group: string, actions: readonly ShellAction[]])[] {
  const groups = Map.groupBy(actions, ({ id, group }) => (recent.includes(id) ? RECENT : group));
  const last = (groups.get(RECENT) ?? []).toSorted((one, other) => recent.indexOf(one.id) - recent.indexOf(other.id));
  const others = [...groups].filter(([group]) => group !== RECENT);
  const sorted = others.toSorted(([one], [other]) => LAST_GROUPS.indexOf(one) - LAST_GROUPS.indexOf(other));
  return last.length === 0 ? sorted : [[RECENT, last], ...sorted];
}

/** Whether each part of what is searched for stands in the words. */
function holds(words: string, search: string): boolean {
  const all = words.toLowerCase();
  return search
    .toLowerCase()
    .split(/\s+/)
    .every((part) => all.includes(part));
}

/** A page may offer what is found by its name as well; it stands there once. */
function withoutDoubles(actions: readonly ShellAction[]): readonly ShellAction[] {
  return [...new Map(actions.map((action) => [action.id, action])).values()];
}

/** Tells how many there are to whoever does not see the list. */
function Count(): ReactNode {
  const count = useCommandState(({ filtered }) => filtered.count);
  return (
    <p role="status" className="sr-only">
      {count === 1 ? "1 found" : `${count} found`}
    </p>
  );
}
