import { ArrowLeft, ArrowRight, CopyPlus, Plus, Trash2 } from "lucide-react";
import { useState, type ReactNode } from "react";
import { Button } from "../../../parts/button.tsx";
import { Choice } from "../../../parts/fields.tsx";
import { EdgeForm } from "./edge-form.tsx";
import type { Edit } from "./edit-text.ts";
import { asKind } from "./edits.ts";
import { idOf } from "./draw-text.ts";
import type { Fields } from "../../../parts/json-fields.ts";
import { bodyAt, hasBody, type DrawnBody, type DrawnEdge, type Place } from "./graph-text.ts";
import { GraphForm } from "./graph-form.tsx";
import { NodeForm } from "./node-form.tsx";
import { placeOfPath, type Problem } from "./problems.ts";
import { useTargets } from "./targets.ts";

interface InspectorProps {
  readonly root: Fields;
  readonly place: Place;
  readonly problems: ReadonlyMap<string, readonly Problem[]>;
  readonly isReadOnly: boolean;
  /** Why what is selected cannot be changed, when all else can. */
  readonly lock: string | undefined;
  readonly edit: (edits: readonly Edit[], by?: string) => void;
  readonly onSelect: (place: Place) => void;
  readonly onDuplicate: () => void;
  readonly onRemove: () => void;
  readonly onAddInside: () => void;
}

const NONE: readonly Problem[] = [];

/** What is selected, as a form: a node, an edge, or the graph itself. */
export function Inspector(props: InspectorProps): ReactNode {
  const { root, place, problems, lock, edit } = props;
  const body = bodyAt(root, place.scope);
  const { selected } = place;
  const found = problems.get(idOf(place)) ?? NONE;
  const node = selected !== undefined && "node" in selected ? body.nodes.find(({ id }) => id === selected.node) : undefined;
  const edge = selected !== undefined && "edge" in selected ? body.edges.find(({ index }) => index === selected.edge) : undefined;
  const isReadOnly = props.isReadOnly || lock !== undefined;
  return (
    <div className="flex flex-col gap-3">
      {lock !== undefined && <p className="rounded-md border border-line bg-ground-2 p-2 text-xs text-ink-2">{lock}</p>}
      <Faults problems={found} />
      {node !== undefined && <NodePart {...props} node={node} body={body} found={found} isReadOnly={isReadOnly} />}
      {edge !== undefined && (
        <>
          <EdgeForm
            key={edge.index}
            edge={edge}
            body={body}
            problems={found}
            isReadOnly={isReadOnly}
            onSet={(key, value) => edit([{ do: "set-edge", index: edge.index, key, value }], `edge ${edge.index} ${key}`)}
          />
          {!isReadOnly && <Foot onRemove={props.onRemove} />}
        </>
      )}
      {node === undefined && edge === undefined && (
        <GraphForm
          root={root}
          problems={problems.get("") ?? NONE}
          isReadOnly={isReadOnly}
          onSet={(path, value) => edit([{ do: "set-graph", path, value }], `graph ${path.join(".")}`)}
        />
      )}
    </div>
  );
}

/** What is wrong with it that no field of the form tells. */
function Faults({ problems }: { readonly problems: readonly Problem[] }): ReactNode {
  const whole = problems.filter(({ path }) => placeOfPath(path).rest.length === 0);
  if (whole.length === 0) return null;
  return (
    <ul className="flex flex-col gap-1 rounded-md border border-red p-2 text-xs text-red">
      {whole.map(({ message }) => (
        <li key={message} dir="auto">
          {message}
        </li>
      ))}
    </ul>
  );
}

interface NodePartProps extends InspectorProps {
  readonly node: DrawnBody["nodes"][number];
  readonly body: DrawnBody;
  readonly found: readonly Problem[];
}

function NodePart({ node, body, found, place, isReadOnly, edit, onSelect, onDuplicate, onRemove, onAddInside }: NodePartProps): ReactNode {
  const targets = useTargets();
  const { id } = node;
  const { scope } = place;
  return (
    <>
      <NodeForm
        key={idOf(place)}
        node={node}
        problems={found}
        targets={targets}
        isReadOnly={isReadOnly}
        onSet={(path, value) => edit([{ do: "set-node", id, path, value }], `node ${id} ${path.join(".")}`)}
        onKind={(type) => edit([{ do: "set-node", id, path: [], value: asKind(node.fields, type) }])}
        onRename={(to) => {
          edit([{ do: "rename", id, to }]);
          onSelect({ scope, selected: { node: to } });
        }}
      />
      {hasBody(node.type) && !isReadOnly && (
        <Button onClick={onAddInside}>
          <Plus aria-hidden className="size-3.5" />
          Add a node inside
        </Button>
      )}
      <Connections
        id={id}
        body={body}
        isReadOnly={isReadOnly}
        onOpen={(index) => onSelect({ scope, selected: { edge: index } })}
        onConnect={(to) => edit([{ do: "add", nodes: {}, edges: [{ from: id, to }] }])}
      />
      {!isReadOnly && <Foot onDuplicate={onDuplicate} onRemove={onRemove} />}
    </>
  );
}

function Foot({ onDuplicate, onRemove }: { readonly onDuplicate?: () => void; readonly onRemove: () => void }): ReactNode {
  return (
    <div className="flex gap-2 border-t border-line pt-3">
      {onDuplicate !== undefined && (
        <Button onClick={onDuplicate}>
          <CopyPlus aria-hidden className="size-3.5" />
          Duplicate
        </Button>
      )}
      <Button tone="danger" onClick={onRemove}>
        <Trash2 aria-hidden className="size-3.5" />
        Remove
      </Button>
    </div>
  );
}

interface ConnectionsProps {
  readonly id: string;
  readonly body: DrawnBody;
  readonly isReadOnly: boolean;
  readonly onOpen: (edge: number) => void;
  readonly onConnect: (to: string) => void;
}

/** The edges of a node, and a way to add one without a mouse. */
function Connections({ id, body, isReadOnly, onOpen, onConnect }: ConnectionsProps): ReactNode {
  const line = (edge: DrawnEdge, other: string, isInto: boolean): ReactNode => {
    const Icon = isInto ? ArrowLeft : ArrowRight;
    const words = [edge.fields["on"] === "error" ? "on error" : "", edge.fields["case"], edge.fields["when"]].filter(
      (word) => word !== undefined && word !== "",
    );
    return (
      <li key={edge.index}>
        <button
          type="button"
          onClick={() => onOpen(edge.index)}
          className="flex w-full items-center gap-2 rounded px-1.5 py-1 text-start text-[13px] hover:bg-ground-2"
        >
          <Icon aria-hidden className="size-3.5 shrink-0 text-ink-3 rtl:-scale-x-100" />
          <span className="sr-only">{isInto ? "Edge from" : "Edge to"}</span>
          <span className="truncate">{other}</span>
          <span className="ms-auto truncate font-mono text-xs text-ink-3">{words.map(String).join(", ")}</span>
        </button>
      </li>
    );
  };
  return (
    <section aria-label={`Edges of ${id}`} className="flex flex-col gap-2 border-t border-line pt-3">
      <ul>
        {body.edges.filter(({ to }) => to === id).map((edge) => line(edge, edge.from, true))}
        {body.edges.filter(({ from }) => from === id).map((edge) => line(edge, edge.to, false))}
      </ul>
      {!isReadOnly && body.nodes.length > 1 && (
        <Connect ids={body.nodes.map((node) => node.id).filter((other) => other !== id)} onConnect={onConnect} />
      )}
    </section>
  );
}

/** Chosen first and connected then: a list that acts while somebody goes through it with the keyboard would connect every node on the way. */
function Connect({ ids, onConnect }: { readonly ids: readonly string[]; readonly onConnect: (to: string) => void }): ReactNode {
  const [chosen, setChosen] = useState("");
  return (
    <div className="flex items-end gap-2">
      <div className="min-w-0 grow">
        <Choice
          label="Add an edge to"
          value={ids.includes(chosen) ? chosen : ""}
          options={[{ value: "", label: "Choose a node …" }, ...ids.map((id) => ({ value: id, label: id }))]}
          onChange={({ target }) => setChosen(target.value)}
        />
      </div>
      <Button
        disabled={!ids.includes(chosen)}
        onClick={() => {
          onConnect(chosen);
          setChosen("");
        }}
      >
        Connect
      </Button>
    </div>
  );
}
