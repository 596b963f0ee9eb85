import type { Event } from "../event.ts";
import { bodyOf, readGraphRun, type GraphBody } from "../graph/index.ts";
import type { Span } from "./trace.ts";

/** What an insight has to know of a run of a graph: its nodes are branches that all begin at once and wait for one another by the edges. */
export interface GraphRun {
  /** The steps, named after their nodes: `each[].fetch: http.get`. */
  readonly spans: readonly Span[];
  /** By the key of a node's first step, the last steps of the nodes it waited for. */
  readonly triggers: ReadonlyMap<string, readonly Trigger[]>;
  /** Forks whose branches are nodes. */
  readonly nodeForks: ReadonlySet<string>;
}

/** A step whose end let another begin. */
export interface Trigger {
  readonly key: string;
  readonly endMs: number;
}

/** Starts are whole ms: an end may seem to come as much later than the start it led to. */
const CLOCK_MS = 1;

/** Reads a run of a graph; `undefined` when it is none, or its graph stands in a blob. Pure. */
export function graphRunOf(events: readonly Event[], spans: readonly Span[]): GraphRun | undefined {
  const reading = readGraphRun(events);
  if (reading === undefined) return undefined;
  const begun = new Map<string, Node>();
  const byBranch = new Map<string, Node>();
  const paths = new Set(reading.nodes.filter(({ startedAt }) => startedAt !== undefined).map(({ path }) => path));
  for (const span of spans) {
    if (span.kind !== "step" || !paths.has(span.name) || begun.has(span.name)) continue;
    const node: Node = { path: span.name, first: span, last: span };
    begun.set(node.path, node);
    byBranch.set(branchOf(span.key), node);
  }
  const named = spans.map((span) => {
    const owners = ownersOf(span.key, byBranch);
    for (const owner of owners) if (span.endMs >= owner.last.endMs) owner.last = span;
    return { ...span, name: nameOf(span, owners[0]) };
  });
  return { spans: named, triggers: triggersOf(reading.graph, begun), nodeForks: nodeForksOf(begun) };
}

interface Node {
  readonly path: string;
  readonly first: Span;
  last: Span;
}

/** The nodes a step stands in, the nearest first. */
function ownersOf(key: string, byBranch: ReadonlyMap<string, Node>): readonly Node[] {
  const owners: Node[] = [];
  for (let branch = branchOf(key); branch !== ""; branch = branchOf(branch)) {
    const owner = byBranch.get(branch);
    if (owner !== undefined) owners.push(owner);
  }
  return owners;
}

function branchOf(key: string): string {
  return key.slice(0, Math.max(0, key.lastIndexOf(".")));
}

/** Turns of a map or a loop are the same step again. */
function nameOf(span: Span, owner: Node | undefined): string {
  if (owner === undefined) return span.name;
  const path = owner.path.replaceAll(/\[\d+\]/g, "[]");
  return span.name.startsWith(owner.path) ? span.name.replaceAll(/\[\d+\]/g, "[]") : `${path}: ${span.name}`;
}

function triggersOf(graph: GraphBody, begun: ReadonlyMap<string, Node>): ReadonlyMap<string, readonly Trigger[]> {
  const triggers = new Map<string, readonly Trigger[]>();
  for (const { path, first } of begun.values()) {
    const parts = path.split(".");
    const around = parts.slice(0, -1);
    const body = bodyAt(graph, around);
    if (body === undefined) continue;
    const prefix = around.map((part) => `${part}.`).join("");
    const sources = sourcesOf(parts.at(-1) ?? "", body, (id) => begun.get(`${prefix}${id}`));
    const ended = sources
      .map(({ last }) => ({ key: last.key, endMs: last.endMs }))
      .filter(({ endMs }) => endMs <= first.startMs + CLOCK_MS);
    if (ended.length > 0) triggers.set(first.key, ended);
  }
  return triggers;
}

function bodyAt(graph: GraphBody, around: readonly string[]): GraphBody | undefined {
  let body: GraphBody | undefined = graph;
  for (const part of around) {
    const node: GraphBody["nodes"][string] | undefined = body?.nodes[part.replace(/\[\d+\]$/, "")];
    body = node && bodyOf(node);
  }
  return body;
}

/** The nodes that lead to one; through those that were skipped, which take no time, to those before them. */
function sourcesOf(id: string, { edges }: GraphBody, find: (id: string) => Node | undefined): readonly Node[] {
  const sources: Node[] = [];
  const seen = new Set([id]);
  for (const at of seen) {
    for (const { from, to } of edges) {
      if (to !== at || seen.has(from)) continue;
      const node = find(from);
      if (node === undefined) seen.add(from);
      else if (!sources.includes(node)) sources.push(node);
    }
  }
  return sources;
}

/** The place where two nodes of the same body part ways is one at which nodes are branches. */
function nodeForksOf(begun: ReadonlyMap<string, Node>): ReadonlySet<string> {
  const forks = new Set<string>();
  const lastIn = new Map<string, readonly string[]>();
  for (const { path, first } of begun.values()) {
    const around = path.slice(0, Math.max(0, path.lastIndexOf(".")));
    const places = first.key.split(".");
    const other = lastIn.get(around) ?? places;
    const parting = places.findIndex((place, index) => place !== other[index]);
    if (parting > 0) forks.add(places.slice(0, parting).join("."));
    lastIn.set(around, places);
  }
  return forks;
}
