import { useState } from "react";
import { useActions, type ShellAction } from "../../../shell/actions.ts";
import { partOf } from "./clipboard.ts";
import { addInside, addNode, pastePart, removeSelected, type PlannedEdit } from "./edits.ts";
import { bodyAt, type Place, type Scope } from "./graph-text.ts";
import { KINDS } from "./node-kinds.ts";
import type { GraphTextEditing } from "./use-graph-text.ts";
import type { Selection } from "./use-selection.ts";

interface CommandParts {
  readonly editing: GraphTextEditing;
  readonly selection: Selection;
  readonly inspect: () => void;
  readonly isReadOnly: boolean;
  /** Something that is selected cannot be taken out. */
  readonly isLocked: boolean;
}

/** Every change that is no typing. */
export interface Commands {
  /** Where a node that is asked for will stand. */
  readonly asked: "after" | "inside" | undefined;
  readonly about: string;
  readonly ask: (where: "after" | "inside" | undefined) => void;
  readonly add: (type: string) => void;
  readonly apply: (planned: PlannedEdit | undefined) => void;
  readonly remove: () => void;
  readonly duplicate: () => void;
}

/** What can be done from the toolbar, the keyboard and the palette. */
export function useCommands({ editing, selection, inspect, isReadOnly, isLocked }: CommandParts): Commands {
  const [asked, setAsked] = useState<"after" | "inside">();
  const { place, nodes } = selection;
  const { root } = editing;
  const apply = (planned: PlannedEdit | undefined): void => {
    if (planned === undefined || isReadOnly) return;
    editing.edit(planned.scope, planned.edits);
    selection.select(planned.select);
  };
  const add = (type: string, where: "after" | "inside" = asked ?? "after"): void => {
    setAsked(undefined);
    apply(where === "inside" ? addInside(root, insideOf(place), type) : addNode(root, place, type));
    // The window gives the keyboard back to where it was; the form of what is new is where it is wanted.
    setTimeout(inspect, FOCUS_BACK_MS);
  };
  const duplicate = (): void => {
    const { scope } = place;
    if (nodes.length > 0) apply(pastePart(root, scope, partOf(bodyAt(root, scope), nodes)));
  };
  const remove = (): void => {
    if (!isLocked) apply(removeSelected(place, nodes));
  };
  useEditorActions({ isReadOnly, ask: setAsked, add, editing, selection, duplicate, remove });
  return {
    asked,
    about: aboutOf(place, asked),
    ask: setAsked,
    add,
    apply,
    remove,
    duplicate,
  };
}

/** How long a window takes to go. */
const FOCUS_BACK_MS = 120;

function insideOf({ scope, selected }: Place): Scope {
  return selected !== undefined && "node" in selected ? [...scope, selected.node] : scope;
}

function aboutOf({ scope, selected }: Place, asked: "after" | "inside" | undefined): string {
  if (selected !== undefined && "edge" in selected) return "It will stand on the selected edge.";
  if (selected !== undefined)
    return asked === "inside" ? `It will stand inside of ${selected.node}.` : `It will come after ${selected.node}.`;
  return scope.length === 0 ? "It will stand in the graph; lead edges to it." : `It will stand inside of ${scope.at(-1)}.`;
}

interface EditorActionParts {
  readonly isReadOnly: boolean;
  readonly ask: (where: "after") => void;
  readonly add: (type: string, where: "after") => void;
  readonly editing: GraphTextEditing;
  readonly selection: Selection;
  readonly duplicate: () => void;
  readonly remove: () => void;
}

/** Each drawing offers them anew: what they do depends on what is selected. */
function useEditorActions({ isReadOnly, ask, add, editing, selection, duplicate, remove }: EditorActionParts): void {
  const group = "Graph editor";
  const actions: readonly ShellAction[] = isReadOnly
    ? []
    : [
        { id: "editor add", title: "Add a node", group, keys: "a", run: () => ask("after") },
        { id: "editor undo", title: "Undo", group, keys: "u", words: "mod+z", run: editing.undo },
        { id: "editor redo", title: "Redo", group, run: editing.redo },
        { id: "editor all", title: "Select all nodes", group, run: selection.selectAll },
        ...(selection.nodes.length === 0
          ? []
          : [
              { id: "editor duplicate", title: "Duplicate what is selected", group, keys: "mod+d", run: duplicate },
              { id: "editor remove", title: "Remove what is selected", group, words: "delete cut", run: remove },
            ]),
        ...KINDS.map(({ type, about }): ShellAction => ({
          id: `editor add ${type}`,
          title: `Add a node: ${type}`,
          group,
          words: about,
          run: () => add(type, "after"),
        })),
      ];
  useActions(actions);
}
