import type { NodeReading } from "@tutti/core/graph";
import { Plus, Redo2, Undo2 } from "lucide-react";
import { useMemo, useRef, type ReactNode } from "react";
import { Button, IconButton } from "../../../parts/button.tsx";
import { CodeEditor } from "../../../parts/code-editor.tsx";
import { AddNode } from "./add-node.tsx";
import { drawText, idOf } from "./draw-text.ts";
import { pastePart } from "./edits.ts";
import type { Place } from "./graph-text.ts";
import { Inspector } from "./inspector.tsx";
import { Picture } from "./picture.tsx";
import { ProblemList } from "./problem-list.tsx";
import { problemsById, type Problem } from "./problems.ts";
import { useCommands, type Commands } from "./use-commands.ts";
import { useGraphText, type GraphTextEditing } from "./use-graph-text.ts";
import { useSelection, type Selection } from "./use-selection.ts";

interface GraphEditorProps {
  /** The graph's text in YAML or JSON. */
  readonly value: string;
  /** Keep it the same function. */
  readonly onChange: (text: string) => void;
  /** What the server says is wrong with it. */
  readonly problems: readonly Problem[];
  readonly readOnly?: boolean;
  /** Where the nodes of a run stand. */
  readonly readings?: readonly NodeReading[];
  /** Why a node, by its path, cannot be changed; undefined when it can. */
  readonly lockOf?: (path: string) => string | undefined;
}

/**
 * A graph as a picture, a form and a text, all of one text: an edit of any of them is an edit of the text, and what a person wrote there
 * (comments, order, quotes) stays. One history takes back changes of all three.
 */
export function GraphEditor({ value, onChange, problems, readOnly = false, readings, lockOf }: GraphEditorProps): ReactNode {
  const editing = useGraphText(value, onChange);
  const selection = useSelection(editing);
  const byId = useMemo(() => problemsById(problems), [problems]);
  const inspector = useRef<HTMLDivElement>(null);
  const inspect = (): void =>
    void requestAnimationFrame(() => inspector.current?.querySelector<HTMLElement>("input,select,textarea,button")?.focus());
  const { place, nodes, select } = selection;
  const lock = [place, ...nodes.map((node): Place => ({ scope: place.scope, selected: { node } }))]
    .map((one) => lockOf?.(idOf(one)))
    .find((reason) => reason !== undefined);
  const commands = useCommands({ editing, selection, inspect, isReadOnly: readOnly, isLocked: lock !== undefined });
  const parts = { editing, selection, commands, byId, inspect, isReadOnly: readOnly, lock };
  return (
    <div className="grid min-h-0 grow grid-cols-1 gap-3 overflow-y-auto lg:grid-cols-[minmax(0,1fr)_19rem] lg:grid-rows-[minmax(0,1.6fr)_minmax(0,1fr)] lg:overflow-hidden xl:grid-cols-[minmax(0,1fr)_19rem_minmax(0,26rem)] xl:grid-rows-1">
      <div className="flex min-h-96 min-w-0 flex-col gap-2 lg:min-h-0">
        {!readOnly && <Toolbar editing={editing} selected={selection.nodes.length} onAdd={() => commands.ask("after")} />}
        <PicturePane {...parts} readings={readings} />
        <ProblemList
          problems={problems}
          mistake={editing.reading.ok ? undefined : editing.reading}
          onOpen={(at) => {
            select(at);
            inspect();
          }}
        />
      </div>
      <section ref={inspector} aria-label={titleOf(place)} className="panel min-h-64 min-w-0 overflow-y-auto p-3 lg:min-h-0">
        <InspectorPane {...parts} />
      </section>
      <section aria-label="The graph as text" className="h-96 min-w-0 lg:col-span-2 lg:h-auto lg:min-h-0 xl:col-span-1">
        <TextPane {...parts} problems={problems} />
      </section>
      <AddNode isOpen={commands.asked !== undefined} about={commands.about} onAdd={commands.add} onClose={() => commands.ask(undefined)} />
    </div>
  );
}

interface PaneParts {
  readonly editing: GraphTextEditing;
  readonly selection: Selection;
  readonly commands: Commands;
  readonly byId: ReadonlyMap<string, readonly Problem[]>;
  readonly inspect: () => void;
  readonly isReadOnly: boolean;
  readonly lock: string | undefined;
}

function PicturePane({
  editing,
  selection: { place, nodes, select, toggle, selectAll },
  commands,
  byId,
  inspect,
  isReadOnly,
  readings,
}: PaneParts & { readonly readings: readonly NodeReading[] | undefined }): ReactNode {
  const drawn = useMemo(
    () => drawText(editing.root, new Map([...byId].map(([id, all]) => [id, all.map(({ message }) => message).join("; ")])), readings),
    [editing.root, byId, readings],
  );
  return (
    <div className="min-h-72 grow">
      <Picture
        drawn={drawn}
        root={editing.root}
        place={place}
        nodes={nodes}
        isReadOnly={isReadOnly}
        onSelect={select}
        onToggle={toggle}
        onSelectAll={selectAll}
        onInspect={inspect}
        edit={editing.edit}
        onRemove={commands.remove}
        onDuplicate={commands.duplicate}
        onPaste={(part) => commands.apply(pastePart(editing.root, place.scope, part))}
        onUndo={editing.undo}
        onRedo={editing.redo}
      />
    </div>
  );
}

function InspectorPane({ editing, selection: { place, select }, commands, byId, isReadOnly, lock }: PaneParts): ReactNode {
  return (
    <Inspector
      root={editing.root}
      place={place}
      problems={byId}
      isReadOnly={isReadOnly || !editing.reading.ok}
      lock={lock}
      edit={(edits, by) => editing.edit(place.scope, edits, by)}
      onSelect={select}
      onDuplicate={commands.duplicate}
      onRemove={commands.remove}
      onAddInside={() => commands.ask("inside")}
    />
  );
}

function TextPane({ editing, selection, isReadOnly, problems }: PaneParts & { readonly problems: readonly Problem[] }): ReactNode {
  const placed = useMemo(
    () => problems.flatMap(({ line, column, message }) => (line === undefined ? [] : [{ line, column: column ?? 1, message }])),
    [problems],
  );
  return (
    <CodeEditor
      label="The graph as YAML"
      language="yaml"
      value={editing.text}
      problems={placed}
      isReadOnly={isReadOnly}
      onChange={editing.write}
      onCursor={selection.selectAt}
      reveal={selection.reveal}
      onUndo={editing.undo}
      onRedo={editing.redo}
    />
  );
}

function titleOf({ selected }: Place): string {
  if (selected === undefined) return "The graph";
  return "node" in selected ? `Node ${selected.node}` : "Edge";
}

interface ToolbarProps {
  readonly editing: GraphTextEditing;
  /** How many nodes are selected. */
  readonly selected: number;
  readonly onAdd: () => void;
}

function Toolbar({ editing, selected, onAdd }: ToolbarProps): ReactNode {
  return (
    <div role="toolbar" aria-label="Edit the graph" className="flex flex-wrap items-center gap-1">
      <Button onClick={onAdd} disabled={!editing.reading.ok}>
        <Plus aria-hidden className="size-3.5" />
        Add a node
      </Button>
      <IconButton label="Undo" onClick={editing.undo} disabled={!editing.canUndo}>
        <Undo2 aria-hidden className="size-3.5" />
      </IconButton>
      <IconButton label="Redo" onClick={editing.redo} disabled={!editing.canRedo}>
        <Redo2 aria-hidden className="size-3.5" />
      </IconButton>
      <span role="status" className="text-xs text-ink-2">
        {selected > 1 && `${selected} nodes selected`}
      </span>
      {!editing.reading.ok && (
        <span className="text-xs text-orange">The text cannot be read just now; the picture shows it as it was.</span>
      )}
    </div>
  );
}
