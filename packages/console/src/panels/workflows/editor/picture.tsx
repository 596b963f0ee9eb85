import { useMemo, type ClipboardEvent, type KeyboardEvent, type ReactNode } from "react";
import { directionIn } from "../../../parts/graph-view/first-view.ts";
import { GraphView } from "../../../parts/graph-view/graph-view.tsx";
import { layoutOf } from "../../../parts/graph-view/layout.ts";
import { useSize } from "../../../parts/use-size.ts";
import { nodeThatWay, type Arrow } from "./arrows.ts";
import { partOf, readPart, textOfPart, type GraphPart } from "./clipboard.ts";
import { idOf, type TextDrawing } from "./draw-text.ts";
import type { Edit } from "./edit-text.ts";
import type { Fields } from "../../../parts/json-fields.ts";
import { bodyAt, type Place, type Scope } from "./graph-text.ts";

interface PictureProps {
  readonly drawn: TextDrawing;
  readonly root: Fields;
  readonly place: Place;
  /** All selected nodes, of the body of `place`. */
  readonly nodes: readonly string[];
  readonly isReadOnly: boolean;
  readonly onToggle: (place: Place) => void;
  readonly onSelectAll: () => void;
  readonly onSelect: (place: Place) => void;
  /** Enter: to the form of what is selected. */
  readonly onInspect: () => void;
  readonly edit: (scope: Scope, edits: readonly Edit[]) => void;
  readonly onRemove: () => void;
  readonly onDuplicate: () => void;
  readonly onPaste: (part: GraphPart) => void;
  readonly onUndo: () => void;
  readonly onRedo: () => void;
}

/**
 * The graph's picture with its keys: arrows go from node to node, with Shift they take it along, Space adds or leaves out, Enter goes to the
 * form, Delete takes out; copy, cut, paste, duplicate, select all and undo as everywhere.
 */
export function Picture(props: PictureProps): ReactNode {
  const { drawn, place, nodes, isReadOnly, onSelect, edit } = props;
  const chosen = useMemo(() => new Set(nodes.map((node) => idOf({ scope: place.scope, selected: { node } }))), [nodes, place.scope]);
  const { element: box, size } = useSize<HTMLDivElement>(TALL);
  const direction = directionIn(size);
  const places = useMemo(() => layoutOf(drawn.drawing, direction), [drawn, direction]);
  const select = (id: string | undefined): void =>
    onSelect((id === undefined ? undefined : drawn.places.get(id)) ?? { scope: [], selected: undefined });
  const toggle = (id: string): void => {
    const at = drawn.places.get(id);
    if (at !== undefined) props.onToggle(at);
  };
  const focusNode = (id: string, isBesides: boolean): void => {
    if (!isBesides) select(id);
    else if (!chosen.has(id)) toggle(id);
    requestAnimationFrame(() => box.current?.querySelector<HTMLElement>(`[data-id="${CSS.escape(id)}"]`)?.focus());
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key in ARROWS) {
      const next = nodeThatWay({ drawing: drawn.drawing, places }, idOfFocused(event) ?? idOf(place), event.key as Arrow);
      if (next === undefined) return;
      focusNode(next, event.shiftKey);
    } else if (event.key === " " && drawn.places.has(idOfFocused(event) ?? "")) toggle(idOfFocused(event) ?? "");
    else if (!onCommand(event, props)) return;
    event.preventDefault();
    event.stopPropagation();
  };
  const onCopy = (event: ClipboardEvent): void => {
    if (nodes.length === 0) return;
    event.clipboardData.setData("text/plain", textOfPart(partOf(bodyAt(props.root, place.scope), nodes)));
    event.preventDefault();
    if (event.type === "cut" && !isReadOnly) props.onRemove();
  };
  const onPaste = (event: ClipboardEvent): void => {
    const part = readPart(event.clipboardData.getData("text/plain"));
    if (part === undefined || isReadOnly) return;
    event.preventDefault();
    props.onPaste(part);
  };
  const editing = {
    onConnect(from: string, to: string) {
      const [source, target] = [drawn.places.get(from), drawn.places.get(to)];
      if (source?.selected === undefined || target?.selected === undefined || !("node" in source.selected) || !("node" in target.selected))
        return;
      // Nodes of different bodies cannot be joined: the way leads over the node around them.
      if (source.scope.join(".") !== target.scope.join(".")) return;
      edit(source.scope, [{ do: "add", nodes: {}, edges: [{ from: source.selected.node, to: target.selected.node }] }]);
    },
    onRemove: () => props.onRemove(),
  };
  return (
    // The keys are those of what is inside: nodes and edges have the focus.
    <div ref={box} role="presentation" className="size-full" onKeyDownCapture={onKeyDown} onCopy={onCopy} onCut={onCopy} onPaste={onPaste}>
      <GraphView
        label="The graph"
        drawing={drawn.drawing}
        direction={direction}
        selected={idOf(place)}
        alsoSelected={chosen}
        onSelect={select}
        onToggle={toggle}
        onOpen={(id) => {
          select(id);
          props.onInspect();
        }}
        editing={isReadOnly ? undefined : editing}
      />
    </div>
  );
}

/** Until it is known how large it may be. */
const TALL = { width: 1, height: 1 };

const ARROWS: Readonly<Record<Arrow, true>> = { ArrowLeft: true, ArrowRight: true, ArrowUp: true, ArrowDown: true };

/** Does what a key asks; says whether it asked anything. */
function onCommand(event: KeyboardEvent, props: PictureProps): boolean {
  const isMod = event.ctrlKey || event.metaKey;
  const key = event.key.toLowerCase();
  if (isMod && key === "z") (event.shiftKey ? props.onRedo : props.onUndo)();
  else if (isMod && key === "y") props.onRedo();
  else if (isMod && key === "d") props.onDuplicate();
  else if (isMod && key === "a") props.onSelectAll();
  else if (key === "enter") return enter(event, props);
  else if (key === "escape") props.onSelect({ scope: props.place.scope, selected: undefined });
  else return false;
  return true;
}

/** Enter on what has the focus selects it; on what is selected it goes to its form. Buttons keep their own. */
function enter(event: KeyboardEvent, { drawn, place, onSelect, onInspect }: PictureProps): boolean {
  const id = idOfFocused(event);
  const focused = id === undefined ? undefined : drawn.places.get(id);
  if (focused === undefined) return false;
  if (id !== idOf(place)) onSelect(focused);
  onInspect();
  return true;
}

function idOfFocused({ target }: KeyboardEvent): string | undefined {
  return (target as HTMLElement).closest<HTMLElement>("[data-id]")?.dataset["id"];
}
