import type { Json } from "@tutti/core";
import { withFreeIds, type GraphPart } from "./clipboard.ts";
import type { Edit } from "./edit-text.ts";
import type { Fields } from "../../../parts/json-fields.ts";
import { bodyAt, type DrawnBody, type Place, type Scope } from "./graph-text.ts";
import { freeId, KINDS } from "./node-kinds.ts";

/** Edits, the body they are for, and what should be selected afterwards. */
export interface PlannedEdit {
  readonly scope: Scope;
  readonly edits: readonly Edit[];
  readonly select: Place;
}

/** A new node: after the selected one, or on the selected edge. Pure. */
export function addNode(root: Fields, at: Place, type: string): PlannedEdit {
  const { scope, selected } = at;
  const body = bodyAt(root, scope);
  const id = freeId(type, idsOf(body));
  const node: Fields = { type, ...KINDS.find((kind) => kind.type === type)?.fields };
  const select: Place = { scope, selected: { node: id } };
  const edge = selected !== undefined && "edge" in selected ? body.edges.find(({ index }) => index === selected.edge) : undefined;
  if (edge !== undefined)
    return {
      scope,
      edits: [
        { do: "remove", nodes: [], edges: [edge.index] },
        {
          do: "add",
          nodes: { [id]: node },
          edges: [
            { ...edge.fields, to: id },
            { from: id, to: edge.to },
          ],
        },
      ],
      select,
    };
  const after = selected !== undefined && "node" in selected ? [{ from: selected.node, to: id }] : [];
  return { scope, edits: [{ do: "add", nodes: { [id]: node }, edges: after }], select };
}

/** A new node inside of one that has a body. Pure. */
export function addInside(root: Fields, scope: Scope, type: string): PlannedEdit {
  return addNode(root, { scope, selected: undefined }, type);
}

/** Takes out what is selected: the nodes, or the edge. Pure. */
export function removeSelected({ scope, selected }: Place, nodes: readonly string[]): PlannedEdit | undefined {
  if (selected === undefined) return undefined;
  const gone = "node" in selected ? { nodes, edges: [] } : { nodes: [], edges: [selected.edge] };
  return { scope, edits: [{ do: "remove", ...gone }], select: { scope, selected: undefined } };
}

/** Puts a part of a graph into a body. Pure. */
export function pastePart(root: Fields, scope: Scope, part: GraphPart): PlannedEdit {
  const { nodes, edges } = withFreeIds(part, idsOf(bodyAt(root, scope)));
  const [first] = Object.keys(nodes);
  return {
    scope,
    edits: [{ do: "add", nodes, edges }],
    select: { scope, selected: first === undefined ? undefined : { node: first } },
  };
}

/** A node's fields as another kind of node: what every kind may have stays. Pure. */
export function asKind(fields: Fields, type: string): Fields {
  const kept = Object.fromEntries(Object.entries(fields).filter(([key]) => key === "title" || key === "join" || key === "timeoutMs"));
  return { type, ...KINDS.find((kind) => kind.type === type)?.fields, ...kept } satisfies Readonly<Record<string, Json>>;
}

function idsOf(body: DrawnBody): readonly string[] {
  return body.nodes.map(({ id }) => id);
}
