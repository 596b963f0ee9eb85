import { useEffect, useSyncExternalStore } from "react";
import { useAppearance } from "../appearance.ts";

/** Something that can be done from the palette, and, where it has keys, from the keyboard. */
export interface ShellAction {
  readonly id: string;
  readonly title: string;
  readonly group: string;
  /** Pressed one after the other: "g r"; "mod+k" is Command or Control with K; "esc" is Escape. */
  readonly keys?: string;
  /** More words under which it is found. */
  readonly words?: string;
  readonly run: () => unknown;
}

const groups = new Map<object, readonly ShellAction[]>();
const listeners = new Set<() => void>();
let all: readonly ShellAction[] = [];

/** Offers actions for as long as the caller is on the page. Keep the list the same object while it is the same. */
export function useActions(actions: readonly ShellAction[]): void {
  useEffect(() => {
    const owner = {};
    groups.set(owner, actions);
    changed();
    return () => {
      groups.delete(owner);
      changed();
    };
  }, [actions]);
}

/** Everything that can be done now. */
export function useAllActions(): readonly ShellAction[] {
  return useSyncExternalStore(subscribe, () => all);
}

function changed(): void {
  all = [...groups.values()].flat();
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** How long the second key of a pair may take. */
const PAIR_MS = 1200;

/** Listens for the keys of all actions; keys that are typed into something are left alone. */
export function useKeyboard(): void {
  const { hasLetterKeys } = useAppearance();
  useEffect(() => {
    let before = "";
    let beforeAtMs = 0;
    const onKey = (event: KeyboardEvent): void => {
      const key = nameOf(event);
      if (event.defaultPrevented || key === undefined || (isTyping(event) && !isForPage(key))) return;
      if (!hasLetterKeys && key.length === 1) return;
      const pair = event.timeStamp - beforeAtMs < PAIR_MS ? `${before} ${key}` : key;
      const action = all.find(({ keys }) => keys === pair) ?? all.find(({ keys }) => keys === key);
      before = key;
      beforeAtMs = event.timeStamp;
      if (action === undefined) return;
      event.preventDefault();
      before = "";
      // A key that is held down is pressed once.
      if (!event.repeat) action.run();
    };
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  }, [hasLetterKeys]);
}

/** What keys do to a text that is being written, they go on doing. */
const EDITING_KEYS: ReadonlySet<string> = new Set(["mod+a", "mod+c", "mod+d", "mod+v", "mod+x", "mod+y", "mod+z"]);

/** Keys that count while somebody types. */
function isForPage(key: string): boolean {
  return key.startsWith("mod+") && !EDITING_KEYS.has(key);
}

function nameOf({ key, metaKey, ctrlKey, altKey }: KeyboardEvent): string | undefined {
  if (key === "Escape") return "esc";
  if (altKey || key.length > 1) return undefined;
  return metaKey || ctrlKey ? `mod+${key.toLowerCase()}` : key;
}

/** What is typed into may stand in a shadow root, as the code editor does; the event's own target is then only its host. */
function isTyping(event: KeyboardEvent): boolean {
  const [target] = event.composedPath();
  return (
    target instanceof HTMLElement &&
    (target.isContentEditable || target.closest("input,textarea,select,[role=textbox],[role=dialog],[role=menu],[role=listbox]") !== null)
  );
}
