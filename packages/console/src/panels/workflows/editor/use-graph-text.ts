import { useEffect, useMemo, useReducer, useRef } from "react";
import { complain } from "../../../parts/toasts.tsx";
import { editText, type Edit } from "./edit-text.ts";
import type { Fields } from "../../../parts/json-fields.ts";
import { readText, type ReadText, type Scope } from "./graph-text.ts";
import { changed, newHistory, redone, undone, type TextHistory } from "./text-history.ts";

/** A graph's text under edit: what it holds, and every way to change it. */
export interface GraphTextEditing {
  readonly text: string;
  readonly reading: ReadText;
  /** What the text held when it could be read last; the picture shows that while a line is being written. */
  readonly root: Fields;
  readonly canUndo: boolean;
  readonly canRedo: boolean;
  readonly write: (text: string) => void;
  /** Edits one after the other, as one change; `by` puts those of one kind that follow each other together. */
  readonly edit: (scope: Scope, edits: readonly Edit[], by?: string) => void;
  readonly undo: () => void;
  readonly redo: () => void;
}

type Act =
  | { readonly do: "change"; readonly text: string; readonly by: string; readonly atMs: number }
  | { readonly do: "undo" }
  | { readonly do: "redo" };

interface Held {
  readonly history: TextHistory;
  readonly reading: ReadText;
  readonly root: Fields;
}

function held(history: TextHistory, before: Fields): Held {
  const reading = readText(history.now);
  return { history, reading, root: reading.ok ? reading.root : before };
}

function step(before: Held, act: Act): Held {
  const history = stepped(before.history, act);
  return history === before.history ? before : held(history, before.root);
}

function stepped(history: TextHistory, act: Act): TextHistory {
  switch (act.do) {
    case "change":
      return changed(history, act.text, act);
    case "undo":
      return undone(history);
    case "redo":
      return redone(history);
  }
}

/** Holds a text's history. The text is the caller's: what comes from outside is a change like any other, and can be taken back. */
export function useGraphText(value: string, onChange: (text: string) => void): GraphTextEditing {
  const [{ history, reading, root }, act] = useReducer(step, value, (text) => held(newHistory(text), {}));
  const told = useRef(value);
  useEffect(() => {
    if (value === told.current) return;
    told.current = value;
    act({ do: "change", text: value, by: "", atMs: Date.now() });
  }, [value]);
  useEffect(() => {
    if (history.now === told.current) return;
    told.current = history.now;
    onChange(history.now);
  }, [history.now, onChange]);
  const { now: text, past, future } = history;
  return useMemo(() => {
    const change = (next: string, by: string): void => act({ do: "change", text: next, by, atMs: Date.now() });
    return {
      text,
      reading,
      root,
      canUndo: past.length > 0,
      canRedo: future.length > 0,
      write: (next) => change(next, "text"),
      edit(scope, edits, by = "") {
        try {
          change(
            edits.reduce((before, edit) => editText(before, scope, edit), text),
            by,
          );
        } catch (thrown) {
          complain(thrown);
        }
      },
      undo: () => act({ do: "undo" }),
      redo: () => act({ do: "redo" }),
    };
  }, [text, reading, root, past.length, future.length]);
}
