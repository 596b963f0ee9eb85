import { Dialog } from "@base-ui/react/dialog";
import { Command, defaultFilter, useCommandState } from "cmdk";
import { ArrowLeft } from "lucide-react";
import { useState, type ReactNode } from "react";
import { iconLook } from "../parts/button.tsx";
import { useAllActions } from "./actions.ts";
import { EVERY_RUN, useFound, type Choosing, type FoundAction, type PaletteWindow } from "./found.ts";
import { Keys } from "./keys.tsx";
import { recentIds, rememberRecent } from "./recent.ts";
import { useThings } from "./things.ts";
import { takeHeld } from "./typed-ahead.ts";

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
  const [choosing, setChoosing] = useState<Choosing>();
  return (
    <Dialog.Root open onOpenChange={(isOpen) => !isOpen && onClose()}>
      <Dialog.Portal>
        <Dialog.Backdrop className="fixed inset-0 z-40 bg-shade" />
        <Dialog.Popup
          aria-label="Search or do anything"
          className="fixed inset-x-4 top-[12vh] z-50 mx-auto max-w-xl overflow-hidden rounded-xl border border-line bg-ground-1 shadow-2xl"
        >
          {choosing === undefined ? (
            <Everything onClose={onClose} onOpen={onOpen} onChoosing={setChoosing} />
          ) : (
            <Things choosing={choosing} onClose={onClose} onBack={() => setChoosing(undefined)} />
          )}
        </Dialog.Popup>
      </Dialog.Portal>
    </Dialog.Root>
  );
}

function Everything({ onClose, onOpen, onChoosing }: PaletteProps & { readonly onChoosing: (choosing: Choosing) => void }): ReactNode {
  const [text, setText] = useState("");
  const [recent] = useState(recentIds);
  const found = useFound(text.trim(), { open: onOpen, choose: onChoosing });
  const isEmpty = text.trim() === "";
  // Without a text there is too much of what is found by one; what was done last is shown all the same.
  const shown = groupsOf(
    withoutDoubles([...useAllActions(), ...found.filter(({ id }) => !isEmpty || recent.includes(id))]),
    isEmpty ? recent : [],
  );
  return (
    <Search
      label="Search or do anything"
      placeholder="An action, a page, a name, or any text of a run"
      {...{ text, recent, shown }}
      onText={setText}
      onChosen={({ id, isStep = false, run }) => {
        rememberRecent(id);
        if (!isStep) onClose();
        run();
      }}
    />
  );
}

interface ThingsProps {
  readonly choosing: Choosing;
  readonly onClose: () => void;
  readonly onBack: () => void;
}

const NONE: readonly string[] = [];

/** The second step of what is done with a thing: which one. */
function Things({ choosing, onClose, onBack }: ThingsProps): ReactNode {
  const [text, setText] = useState("");
  const shown = groupsOf(useThings(choosing, text.trim()), NONE);
  return (
    <>
      <div className="flex items-center gap-1 border-b border-line p-1.5 text-[13px] font-medium">
        <button type="button" aria-label="Back to everything" onClick={onBack} className={iconLook()}>
          <ArrowLeft aria-hidden className="size-4 rtl:rotate-180" />
        </button>
        {choosing.title}
      </div>
      <Search
        label={choosing.title}
        placeholder={`Which ${choosing.thing}? A part of its name or id`}
        {...{ text, shown }}
        recent={NONE}
        onText={setText}
        onBack={onBack}
        onChosen={({ run }) => {
          onClose();
          run();
        }}
      />
    </>
  );
}

type Groups = readonly (readonly [group: string, actions: readonly FoundAction[]])[];

interface SearchProps {
  readonly label: string;
  readonly placeholder: string;
  readonly text: string;
  readonly onText: (text: string) => void;
  /** Ids of what was done last. */
  readonly recent: readonly string[];
  readonly shown: Groups;
  readonly onChosen: (action: FoundAction) => void;
  /** Backspace where nothing is written. */
  readonly onBack?: () => void;
}

/** A field, and below it what fits its text. */
function Search({ label, placeholder, text, onText, recent, shown, onChosen, onBack }: SearchProps): ReactNode {
  const ranked = rankedBy(text, shown, recent);
  return (
    // What fits is found out here: the library leaves groups where they are, however little is in them that fits.
    <Command loop label={label} shouldFilter={false}>
      <Command.Input
        autoFocus
        value={text}
        onValueChange={onText}
        // What was typed before the field was there is meant for it.
        onFocus={() => onText(text + takeHeld())}
        onKeyDown={({ key }) => key === "Backspace" && text === "" && onBack?.()}
        placeholder={placeholder}
        className="h-12 w-full border-b border-line bg-transparent px-4 text-sm text-ink outline-none placeholder:text-ink-3"
      />
      <Command.List className="max-h-[52vh] overflow-y-auto p-2">
        <Command.Empty className="px-3 py-8 text-center text-[13px] text-ink-2">Nothing is called that.</Command.Empty>
        {ranked.map(([group, entries]) => (
          <Command.Group
            key={group}
            heading={group}
            className="[&_[cmdk-group-heading]]:px-2 [&_[cmdk-group-heading]]:pt-2 [&_[cmdk-group-heading]]:pb-1 [&_[cmdk-group-heading]]:text-[11px] [&_[cmdk-group-heading]]:text-ink-3"
          >
            {entries.map((action) => (
              <Entry key={action.id} action={action} onChosen={onChosen} />
            ))}
          </Command.Group>
        ))}
      </Command.List>
      <Count />
    </Command>
  );
}

function Entry({ action, onChosen }: { readonly action: FoundAction } & Pick<SearchProps, "onChosen">): ReactNode {
  const { id, title, keys } = action;
  return (
    <Command.Item
      value={id}
      onSelect={() => onChosen(action)}
      className="flex h-9 items-center gap-2 rounded-md px-2 text-[13px] data-[selected=true]:bg-ground-3"
    >
      <span className="grow truncate" dir="auto">
        {title}
      </span>
      {keys !== undefined && <Keys keys={keys} />}
    </Command.Item>
  );
}

/** What fits the text, what fits best first, the groups as well. */
function rankedBy(text: string, groups: Groups, recent: readonly string[]): Groups {
  const search = text.trim();
  if (search === "") return groups;
  const scoreOf = ({ id, title, words = "" }: FoundAction): number => {
    if (id === EVERY_RUN) return Number.MIN_VALUE;
    const weight = (recent.includes(id) ? RECENT_WEIGHT : 1) * (id.startsWith("go ") ? PLACE_WEIGHT : 1);
    return Math.max(defaultFilter(title, search, []), holds(words, search) ? WORDS_WEIGHT : 0) * weight;
  };
  return groups
    .map(([group, actions]) => {
      const scored = actions.map((action) => ({ action, score: scoreOf(action) })).filter(({ score }) => score > 0);
      return { group, scored: scored.toSorted((one, other) => other.score - one.score) };
    })
    .filter(({ scored }) => scored.length > 0)
    .toSorted((one, other) => (other.scored[0]?.score ?? 0) - (one.scored[0]?.score ?? 0))
    .map(({ group, scored }) => [group, scored.map(({ action }) => action)]);
}

const RECENT = "Last done";
/** What every page has stands below what this page has. */
const LAST_GROUPS: readonly string[] = ["Do", "Go to", "General", "Appearance", "Everywhere"];

/** Actions by their groups: what was done last, what this page has, what every page has. */
function groupsOf(actions: readonly FoundAction[], recent: readonly string[]): Groups {
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
function withoutDoubles(actions: readonly FoundAction[]): readonly FoundAction[] {
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
