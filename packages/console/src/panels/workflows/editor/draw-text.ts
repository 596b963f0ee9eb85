import type { NodeReading } from "@tutti/core/graph";
import { labelOf, standing, type Drawing, type DrawnNode } from "../../../parts/graph-view/drawing.ts";
import type { Fields } from "../../../parts/json-fields.ts";
import { bodyAt, hasBody, type DrawnEdge, type DrawnNode as ReadNode, type Place, type Scope } from "./graph-text.ts";
import { KINDS } from "./node-kinds.ts";

/** A picture of a text, and what each of its ids stands for. */
export interface TextDrawing {
  readonly drawing: Drawing;
  readonly places: ReadonlyMap<string, Place>;
}

/** Nodes deeper than this are not drawn; the server takes none. */
const DEPTH_MAX = 8;

interface Around {
  readonly problems: ReadonlyMap<string, string>;
  /** By a node's path without turns, where a run's nodes stand. */
  readonly readings: ReadonlyMap<string, readonly NodeReading[]> | undefined;
}

/** Draws a graph's text as far as it can be read, with what is wrong at each node. Pure. */
export function drawText(root: Fields, problems: ReadonlyMap<string, string>, readings?: readonly NodeReading[]): TextDrawing {
  const drawn = { nodes: [] as DrawnNode[], edges: [] as Drawing["edges"][number][] };
  const places = new Map<string, Place>();
  const turns = readings && Map.groupBy(readings, ({ path }) => path.replaceAll(/\[\d+\]/g, ""));
  drawScope(root, [], { around: { problems, readings: turns }, drawn, places });
  return { drawing: drawn, places };
}

interface Drawn {
  readonly around: Around;
  readonly drawn: { readonly nodes: DrawnNode[]; readonly edges: Drawing["edges"][number][] };
  readonly places: Map<string, Place>;
}

function drawScope(root: Fields, scope: Scope, target: Drawn): void {
  if (scope.length > DEPTH_MAX) return;
  const { around, drawn, places } = target;
  const body = bodyAt(root, scope);
  for (const node of body.nodes) {
    const place: Place = { scope, selected: { node: node.id } };
    const id = idOf(place);
    const problem = around.problems.get(id);
    places.set(id, place);
    drawn.nodes.push({
      id,
      title: node.id,
      kind: KINDS.find(({ type }) => type === node.type)?.type ?? "step",
      ...detailOf(node),
      ...(around.readings !== undefined && standing(around.readings.get(id) ?? [])),
      ...(problem !== undefined && { problem }),
      ...(scope.length > 0 && { parentId: scope.join(".") }),
    });
    if (hasBody(node.type)) drawScope(root, [...scope, node.id], target);
  }
  for (const edge of body.edges) {
    const place: Place = { scope, selected: { edge: edge.index } };
    const id = idOf(place);
    places.set(id, place);
    drawn.edges.push({
      id,
      from: [...scope, edge.from].join("."),
      to: [...scope, edge.to].join("."),
      ...wordsOf(edge, around.problems.get(id)),
      look: edge.fields["on"] === "error" ? "error" : "plain",
    });
  }
}

/** What a node or an edge is called in the picture. */
export function idOf({ scope, selected }: Place): string {
  if (selected === undefined) return "";
  return "node" in selected ? [...scope, selected.node].join(".") : `${scope.join(".")}#${selected.edge}`;
}

/** What tells most about a node, whatever its kind. */
const TELLING = [
  "title",
  "tool",
  "agent",
  "workflow",
  "model",
  "if",
  "question",
  "signal",
  "event",
  "until",
  "ms",
  "while",
  "times",
  "code",
];

function detailOf({ fields, type }: ReadNode): { readonly detail?: string } {
  const telling = TELLING.map((key) => fields[key]).find((value) => typeof value === "string" || typeof value === "number");
  const detail = telling === undefined ? "" : String(telling);
  return detail === "" ? { detail: type } : { detail };
}

function wordsOf({ fields }: DrawnEdge, problem: string | undefined): { readonly label?: string } {
  const { on, codes, case: outcome, when } = fields;
  const { label } = labelOf({
    on: on === "error" ? "error" : "success",
    codes: Array.isArray(codes) ? codes.map(String) : undefined,
    case: typeof outcome === "string" || typeof outcome === "boolean" ? outcome : undefined,
    when: typeof when === "string" ? when : undefined,
  });
  if (problem !== undefined) return { label: `⚠ ${label ?? problem}` };
  return label === undefined ? {} : { label };
}
