import { hasEnded, type GraphBody, type GraphEdge, type NodeStatus } from "./graph.ts";

/** Edges by the node they come from or lead to. Edges of nodes that are not there are left out. */
export function edgesBy(end: "from" | "to", { nodes, edges }: GraphBody): ReadonlyMap<string, readonly GraphEdge[]> {
  const byNode = new Map<string, GraphEdge[]>(Object.keys(nodes).map((id) => [id, []]));
  for (const edge of edges) if (byNode.has(edge.from) && byNode.has(edge.to)) byNode.get(edge[end])?.push(edge);
  return byNode;
}

/** Every node after all that lead to it, in the order of the file otherwise; nodes of a cycle and behind one are missing. */
export function topologicalOrder(body: GraphBody): readonly string[] {
  const outgoing = edgesBy("from", body);
  const missing = new Map([...edgesBy("to", body)].map(([id, edges]) => [id, edges.length]));
  const order = Object.keys(body.nodes).filter((id) => missing.get(id) === 0);
  for (const id of order) {
    for (const { to } of outgoing.get(id) ?? []) {
      const left = (missing.get(to) ?? 0) - 1;
      missing.set(to, left);
      if (left === 0) order.push(to);
    }
  }
  return order;
}

/** A cycle as the nodes on it in order, or `undefined`. `ids` are those that may be on one: what a topological order left out. */
export function findCycle(body: GraphBody, ids: readonly string[]): readonly string[] | undefined {
  const incoming = edgesBy("to", body);
  const among = new Set(ids);
  // Each of these has an edge from another of them; walking backwards must come back to where it was.
  const seen: string[] = [];
  for (let id = ids[0]; id !== undefined; id = incoming.get(id)?.find(({ from }) => among.has(from))?.from) {
    const at = seen.indexOf(id);
    if (at !== -1) return seen.slice(at).toReversed();
    seen.push(id);
  }
  return undefined;
}

/** All nodes from which edges lead to `id`. `incoming` may be given by whoever asks for many. */
export function ancestors(body: GraphBody, id: string, incoming = edgesBy("to", body)): ReadonlySet<string> {
  const found = new Set<string>();
  const open = [id];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    for (const { from } of incoming.get(next) ?? []) {
      if (found.has(from)) continue;
      found.add(from);
      open.push(from);
    }
  }
  return found;
}

/** The unfinished nodes that lead to a join and nowhere else: nobody needs them any more once the join has what it wants. */
export function losersOf(body: GraphBody, joinId: string, status: (id: string) => NodeStatus): readonly string[] {
  const before = ancestors(body, joinId);
  const outgoing = edgesBy("from", body);
  const losers = new Set<string>();
  for (const id of topologicalOrder(body).toReversed()) {
    if (!before.has(id)) continue;
    const leadsOnlyHere = (outgoing.get(id) ?? []).every(
      ({ to }) => to === joinId || losers.has(to) || (before.has(to) && hasEnded(status(to))),
    );
    if (leadsOnlyHere && !hasEnded(status(id))) losers.add(id);
  }
  return [...losers].toReversed();
}
