import { orMeant } from "./did-you-mean.ts";
import { bodyOf, GRAPH_BOUNDS, type GraphBody, type GraphEdge, type GraphNode } from "./graph.ts";
import { edgesBy, findCycle, topologicalOrder } from "./order.ts";
import { hasLosers } from "./readiness.ts";
import type { GraphProblem, ProblemCode } from "./problem.ts";

type Path = readonly (string | number)[];

/** CEL's keywords, which cannot stand after a dot. */
const KEYWORDS: ReadonlySet<string> = new Set(["true", "false", "null", "in"]);

/** What is wrong with how nodes and edges stand together, everything at once; nothing when the graph can run. Pure, and never hangs. */
export function checkStructure(body: GraphBody, path: Path = [], depth = 1): readonly GraphProblem[] {
  const check = new StructureCheck(body, path);
  check.bounds(depth);
  // What comes next grows with the graph; one that is too large is not looked at any further.
  if (check.problems.length > 0) return check.problems;
  check.edges();
  check.starts();
  check.cycles();
  check.reach();
  for (const [id, node] of Object.entries(body.nodes)) {
    check.node(id, node);
    const inner = bodyOf(node);
    if (inner !== undefined) check.problems.push(...checkStructure(inner, [...path, "nodes", id, "do"], depth + 1));
  }
  return check.problems;
}

/** The nodes that start. */
function startsOf(body: GraphBody): readonly string[] {
  if (body.start !== undefined) return body.start.filter((id) => Object.hasOwn(body.nodes, id));
  return [...edgesBy("to", body)].flatMap(([id, edges]) => (edges.length === 0 ? [id] : []));
}

/** One look at one body; it gathers what it finds. */
class StructureCheck {
  readonly problems: GraphProblem[] = [];
  readonly #body: GraphBody;
  readonly #path: Path;
  readonly #ids: readonly string[];
  readonly #incoming: ReadonlyMap<string, readonly GraphEdge[]>;
  readonly #onCycle = new Set<string>();

  constructor(body: GraphBody, path: Path) {
    this.#body = body;
    this.#path = path;
    this.#ids = Object.keys(body.nodes);
    this.#incoming = edgesBy("to", body);
  }

  bounds(depth: number): void {
    const { nodesMax, edgesMax, depthMax } = GRAPH_BOUNDS;
    const { edges } = this.#body;
    if (this.#ids.length === 0) this.#report("shape", ["nodes"], "wanted at least one node, got none; add one");
    if (this.#ids.length > nodesMax)
      this.#report(
        "too_large",
        ["nodes"],
        `wanted at most ${nodesMax} nodes, got ${this.#ids.length}; put parts of it into workflows of their own`,
      );
    if (edges.length > edgesMax)
      this.#report(
        "too_large",
        ["edges"],
        `wanted at most ${edgesMax} edges, got ${edges.length}; put parts of it into workflows of their own`,
      );
    if (depth > depthMax)
      this.#report("too_large", [], `wanted nodes nested at most ${depthMax} deep, got more; put the inside into a workflow of its own`);
  }

  edges(): void {
    const seen = new Set<string>();
    for (const [index, edge] of this.#body.edges.entries()) {
      for (const end of ["from", "to"] as const)
        if (!Object.hasOwn(this.#body.nodes, edge[end]))
          this.#report(
            "unknown_node",
            ["edges", index, end],
            `wanted a node, got "${edge[end]}", which is none; ${orMeant(edge[end], this.#ids)}`,
          );
      const identity = JSON.stringify([edge.from, edge.to, edge.on ?? "success", edge.case, edge.when, edge.codes]);
      if (seen.has(identity))
        this.#report("duplicate", ["edges", index], `the edge from ${edge.from} to ${edge.to} is there already; take one of them out`);
      seen.add(identity);
      this.#case(edge, index);
      if (edge.codes !== undefined && edge.on !== "error")
        this.#report("case", ["edges", index, "codes"], "codes tell errors apart; add `on: error` to this edge, or take codes out");
    }
  }

  #case(edge: GraphEdge, index: number): void {
    const source = Object.hasOwn(this.#body.nodes, edge.from) ? this.#body.nodes[edge.from] : undefined;
    if (edge.case === undefined || source === undefined) return;
    const cases = casesOf(source);
    if (cases === undefined || edge.on === "error")
      this.#report(
        "case",
        ["edges", index, "case"],
        `only edges from a condition or an approval that ended well have cases, this one comes from the ${source.type} ${edge.from}; use \`when\` instead`,
      );
    else if (!cases.includes(edge.case))
      this.#report(
        "case",
        ["edges", index, "case"],
        `wanted one of the cases of ${edge.from}, got ${JSON.stringify(edge.case)}; ${orMeant(String(edge.case), cases.map(String))}`,
      );
  }

  starts(): void {
    for (const [index, id] of (this.#body.start ?? []).entries()) {
      if (!Object.hasOwn(this.#body.nodes, id))
        this.#report(
          "unknown_node",
          ["start", index],
          `wanted a node to start with, got "${id}", which is none; ${orMeant(id, this.#ids)}`,
        );
      const into = this.#incoming.get(id)?.[0];
      if (into !== undefined)
        this.#report(
          "unreachable",
          ["start", index],
          `${id} cannot start, because an edge from ${into.from} leads to it; take it out of start, or take that edge out`,
        );
    }
  }

  /** Each cycle once, at the edge that closes it. */
  cycles(): void {
    const ordered = new Set(topologicalOrder(this.#body));
    let left: readonly string[] = this.#ids.filter((id) => !ordered.has(id));
    for (let cycle = findCycle(this.#body, left); cycle !== undefined; cycle = findCycle(this.#body, left)) {
      const on = cycle;
      const first = this.#ids.find((id) => on.includes(id)) ?? "";
      const from = on.indexOf(first);
      const way = [...on.slice(from), ...on.slice(0, from)];
      const index = this.#body.edges.findIndex((edge) => edge.from === way.at(-1) && edge.to === first);
      this.#report(
        "cycle",
        ["edges", index],
        `the edges go round in a circle: ${[...way, first].join(" → ")}; take one of them out, or use a loop node`,
      );
      for (const id of on) this.#onCycle.add(id);
      left = withoutCycle(this.#body, left, on);
    }
  }

  /** What no edge can lead to. Nodes on a cycle have been told already. */
  reach(): void {
    const reached = new Set(startsOf(this.#body));
    const isOpen = (edge: GraphEdge): boolean => reached.has(edge.from) && canBeTaken(edge, this.#body.nodes[edge.from]);
    const open = [...reached];
    const outgoing = edgesBy("from", this.#body);
    for (let id = open.pop(); id !== undefined; id = open.pop()) {
      for (const edge of outgoing.get(id) ?? []) {
        if (reached.has(edge.to) || !isOpen(edge)) continue;
        reached.add(edge.to);
        open.push(edge.to);
      }
    }
    for (const id of this.#ids) {
      if (reached.has(id) || this.#isBehindCycle(id)) continue;
      const edges = this.#incoming.get(id) ?? [];
      const why = edges.length === 0 ? "no edge leads to it and it is not among start" : "no edge to it can ever be taken";
      this.#reportKey("unreachable", ["nodes", id], `${id} can never run: ${why}; add an edge to it, or take it out`);
    }
  }

  #isBehindCycle(id: string): boolean {
    if (this.#onCycle.size === 0) return false;
    const open = [id];
    const seen = new Set(open);
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      if (this.#onCycle.has(next)) return true;
      for (const { from } of this.#incoming.get(next) ?? []) {
        if (seen.has(from)) continue;
        seen.add(from);
        open.push(from);
      }
    }
    return false;
  }

  node(id: string, node: GraphNode): void {
    const at = ["nodes", id];
    if (!/^[A-Za-z]\w{0,63}$/.test(id) || KEYWORDS.has(id))
      this.#reportKey(
        "shape",
        at,
        `wanted an id that expressions can say (a letter, then letters, digits and _, no word of theirs), got "${id}"; write ${didWrite(id)}`,
      );
    const incoming = this.#incoming.get(id)?.length ?? 0;
    if (typeof node.join === "object" && node.join.quorum > incoming)
      this.#report(
        "join",
        [...at, "join", "quorum"],
        `wanted a quorum of at most ${incoming}, which is how many edges lead to ${id}, got ${node.join.quorum}`,
      );
    if (node.losers !== undefined && !hasLosers(node))
      this.#report("join", [...at, "losers"], "only joins of any and of a quorum have losers; set join to one of them, or take losers out");
    this.#bound(at, node);
    if (node.type === "condition" && (node.if === undefined) === (node.cases === undefined))
      this.#reportKey("shape", at, `wanted either if or cases in the condition ${id}, got ${node.if === undefined ? "neither" : "both"}`);
    if (node.type === "wait") this.#wait(at, node);
  }

  #bound(at: Path, node: GraphNode): void {
    if (node.type !== "loop") return;
    const { timesMax } = GRAPH_BOUNDS;
    if (node.times === undefined && node.while === undefined)
      this.#reportKey("loop_bound", at, "wanted times or while in a loop, got neither; say how often it goes round");
    else if (typeof node.times !== "number" && node.timesMax === undefined)
      this.#reportKey(
        "loop_bound",
        at,
        `wanted a bound for a loop whose end an expression decides, got none; add timesMax (at most ${timesMax})`,
      );
  }

  #wait(at: Path, node: GraphNode & { readonly type: "wait" }): void {
    const kinds = (["ms", "until", "signal", "event"] as const).filter((kind) => node[kind] !== undefined);
    if (kinds.length !== 1)
      this.#reportKey("shape", at, `wanted one of ms, until, signal and event in a wait, got ${kinds.join(" and ") || "none"}`);
    const isForValue = node.signal !== undefined || node.event !== undefined;
    for (const key of ["schema", "when"] as const)
      if (node[key] !== undefined && !isForValue)
        this.#reportKey("shape", [...at, key], `${key} is for waits for a signal or an event; take it out`);
    if (node.signal?.startsWith("tutti.") === true || node.signal?.startsWith("event:") === true)
      this.#report(
        "shape",
        [...at, "signal"],
        `wanted a signal of your own, got "${node.signal}", which Tutti sends itself; choose another name`,
      );
  }

  #report(code: ProblemCode, path: Path, message: string): void {
    this.problems.push({ code, path: [...this.#path, ...path], message });
  }

  #reportKey(code: ProblemCode, path: Path, message: string): void {
    this.problems.push({ code, path: [...this.#path, ...path], message, isKey: true });
  }
}

/** The outcomes that edges from a node can tell apart by `case`. */
export function casesOf(node: GraphNode): readonly (string | boolean)[] | undefined {
  if (node.type === "approval") return ["approved", "refused"];
  if (node.type !== "condition") return undefined;
  return node.cases === undefined ? [true, false] : [...node.cases.map((choice) => choice.case), "otherwise"];
}

const NEVER = /^\$\{\s*false\s*\}$/;

function canBeTaken(edge: GraphEdge, source: GraphNode | undefined): boolean {
  if (edge.when !== undefined && NEVER.test(edge.when)) return false;
  return !(source?.type === "fail" && edge.on !== "error");
}

/** What may still be on a cycle when one is known: its nodes are taken out, and whatever then hangs loose. */
function withoutCycle(body: GraphBody, left: readonly string[], cycle: readonly string[]): readonly string[] {
  const ids = left.filter((id) => !cycle.includes(id));
  const among = new Set(ids);
  const rest: GraphBody = {
    nodes: Object.fromEntries(Object.entries(body.nodes).filter(([id]) => among.has(id))),
    edges: body.edges.filter(({ from, to }) => among.has(from) && among.has(to)),
  };
  const ordered = new Set(topologicalOrder(rest));
  return ids.filter((id) => !ordered.has(id));
}

function didWrite(id: string): string {
  const plain = id
    .replaceAll(/\W+/g, "_")
    .replace(/^([^A-Za-z]|$)/, "n$1")
    .slice(0, 64);
  return `"${KEYWORDS.has(plain) ? `${plain}_` : plain}"`;
}
