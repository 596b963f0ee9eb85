import { AppError, canonicalJson, type Json, type RunContext } from "@tutti/core";
import {
  edgeAfter,
  edgesBy,
  failedStep,
  hasEnded,
  hasLosers,
  losersOf,
  readiness,
  topologicalOrder,
  type EdgeState,
  type GraphBody,
  type GraphEdge,
  type NodeStatus,
} from "@tutti/core/graph";
import { fill } from "./template.ts";
import { perform, truth, type GraphHost, type NodeOutcome } from "./perform.ts";

type Variables = Readonly<Record<string, Json>>;

/** What a run of nodes begins with. */
export interface BodyStart {
  readonly body: GraphBody;
  readonly path: string;
  readonly variables: Variables;
  readonly host: GraphHost;
}

/** Errors about the run itself. They are no node's, so no error edge takes them. */
const RUN_ERRORS: ReadonlySet<string> = new Set(["concurrent_steps", "workflow_changed"]);

/** Why a node's branch goes on, or ends. */
type Go = "run" | "short" | "end";

/** Where one node stands. */
interface NodeState {
  status: NodeStatus;
  outcome?: NodeOutcome;
  error?: { readonly code: string; readonly message: string };
  readonly go: PromiseWithResolvers<Go>;
  readonly cancelled: PromiseWithResolvers<undefined>;
}

/**
 * Nodes that run together. Each has a branch of its own from the beginning, which waits in memory until the edges into its node say what
 * becomes of it: so a node begins as soon as what it needs is there. Results reach branches in journal order, and everything here follows
 * from them and nothing else, so a replay takes the same way.
 */
export class BodyRun {
  readonly #start: BodyStart;
  readonly #states = new Map<string, NodeState>();
  /** By the edge's content, because an amendment brings edges anew. */
  readonly #edges = new Map<string, EdgeState>();
  readonly #finished = Promise.withResolvers<undefined>();
  #body: GraphBody;
  #incoming: ReadonlyMap<string, readonly GraphEdge[]>;

  constructor(start: BodyStart) {
    this.#start = start;
    this.#body = sorted(start.body);
    this.#incoming = edgesBy("to", this.#body);
    for (const id of Object.keys(this.#body.nodes)) this.#states.set(id, newState());
  }

  /** Runs all nodes and gives what comes out. For nodes inside others, which are not amended while they run. */
  async run(ctx: RunContext): Promise<Json> {
    const ids = this.ids;
    this.decideAll();
    await ctx.all(ids.map((id) => (branch) => this.runNode(branch, id)));
    return this.output();
  }

  /** In an order in which no node comes before one that leads to it. */
  get ids(): readonly string[] {
    return topologicalOrder(this.#body);
  }

  /** Resolves when every node has ended. */
  get finished(): Promise<undefined> {
    return this.#finished.promise;
  }

  status(id: string): NodeStatus {
    return this.#states.get(id)?.status ?? "pending";
  }

  /** Where all nodes stand, for whoever asks. */
  get statuses(): Readonly<Record<string, NodeStatus>> {
    return Object.fromEntries([...this.#states].map(([id, { status }]) => [id, status]));
  }

  /** Takes over an amended body, in which nothing that has begun is different; returns the nodes that need branches of their own. */
  amend(body: GraphBody): readonly string[] {
    this.#body = sorted(body);
    this.#incoming = edgesBy("to", this.#body);
    const added = Object.keys(this.#body.nodes).filter((id) => !this.#states.has(id));
    for (const [id, state] of this.#states) {
      if (Object.hasOwn(body.nodes, id)) continue;
      this.#states.delete(id);
      state.go.resolve("end");
    }
    for (const id of added) this.#states.set(id, newState());
    this.decideAll();
    return added;
  }

  /** Looks at every node that has not begun. */
  decideAll(): void {
    for (const id of topologicalOrder(this.#body)) this.#decide(id);
    this.#finishIfEnded();
  }

  /** The branch of one node: waits for its turn, does it, and tells the edges out of it. */
  async runNode(ctx: RunContext, id: string): Promise<void> {
    const state = this.#states.get(id);
    const go = state === undefined ? "end" : await state.go.promise;
    if (state === undefined || go === "end") return;
    try {
      if (go === "short")
        throw new AppError("conflict", `the node ${id} cannot get its quorum any more: too few of the edges into it were taken`);
      const outcome = await ctx.race<NodeOutcome | undefined>([(branch) => this.#perform(branch, id), () => state.cancelled.promise]);
      if (outcome === undefined || hasEnded(state.status)) return;
      state.outcome = outcome;
      this.#end(id, "completed");
    } catch (thrown) {
      if (this.status(id) === "cancelled" && !ctx.signal.aborted) return;
      const { code, message } = AppError.from(thrown);
      if (ctx.signal.aborted || RUN_ERRORS.has(code) || hasEnded(state.status)) throw thrown;
      await this.#fail(ctx, id, { code, message });
    }
  }

  /** Writes the failure down, so that a log tells it whatever it came from, and lets the error edges know; without one that takes it, it is the graph's. */
  async #fail(ctx: RunContext, id: string, error: { readonly code: string; readonly message: string }): Promise<void> {
    const state = this.#states.get(id);
    await ctx.step(failedStep(this.#pathOf(id)), () => error, { attemptsMax: 1 });
    if (state === undefined || hasEnded(state.status)) return;
    state.error = error;
    if (!this.#end(id, "failed")) throw AppError.revive(error.code, error.message);
  }

  /** What comes out once all nodes have ended. */
  output(): Json {
    if (this.#body.output !== undefined) return fill(this.#body.output, this.#variables());
    const outgoing = edgesBy("from", this.#body);
    const last = Object.keys(this.#body.nodes).filter((id) => outgoing.get(id)?.length === 0);
    const [only] = last;
    if (last.length === 1 && only !== undefined) return this.#states.get(only)?.outcome?.output ?? null;
    return Object.fromEntries(
      last.flatMap((id) => (this.status(id) === "completed" ? [[id, this.#states.get(id)?.outcome?.output ?? null]] : [])),
    );
  }

  #perform(ctx: RunContext, id: string): Promise<NodeOutcome> {
    const node = this.#body.nodes[id];
    if (node === undefined) throw new AppError("internal", `the node ${id} is not there`);
    const { host } = this.#start;
    return perform(ctx, {
      node,
      path: this.#pathOf(id),
      variables: this.#variables(),
      host,
      inside: (branch, body, at) => new BodyRun({ body, host, ...at }).run(branch),
    });
  }

  #pathOf(id: string): string {
    const { path } = this.#start;
    return path === "" ? id : `${path}.${id}`;
  }

  #variables(): Variables {
    const outer = this.#start.variables["nodes"];
    const own = [...this.#states].map(([id, { status, outcome, error }]): [string, Json] => [
      id,
      { status, output: outcome?.output ?? null, error: error === undefined ? null : { ...error } },
    ]);
    return { ...this.#start.variables, nodes: { ...(outer as { readonly [id: string]: Json } | undefined), ...Object.fromEntries(own) } };
  }

  /** What becomes of a node that has not begun, from the edges into it. */
  #decide(id: string): void {
    const state = this.#states.get(id);
    const node = this.#body.nodes[id];
    if (state === undefined || node === undefined || state.status !== "pending") return;
    const ready = readiness(
      node,
      (this.#incoming.get(id) ?? []).map((edge) => this.#edgeState(edge)),
    );
    if (ready === "wait") return;
    if (ready === "skip") this.#end(id, "skipped");
    else {
      state.status = "running";
      state.go.resolve(ready);
      if (ready === "run" && hasLosers(node) && node.losers !== "leave")
        for (const loser of losersOf(this.#body, id, (other) => this.status(other))) this.#end(loser, "cancelled");
    }
  }

  #edgeState(edge: GraphEdge): EdgeState {
    const source = this.#states.get(edge.from);
    if (source === undefined || !hasEnded(source.status)) return "pending";
    const key = canonicalJson(edge);
    const known = this.#edges.get(key);
    if (known !== undefined) return known;
    const { status, outcome, error } = source;
    const state = edgeAfter(edge, {
      status,
      ...(outcome?.case !== undefined && { case: outcome.case }),
      ...(error && { code: error.code }),
    });
    const decided = state === "ask" ? this.#ask(edge, source) : state;
    this.#edges.set(key, decided);
    return decided;
  }

  #ask({ when = "" }: GraphEdge, { outcome, error }: NodeState): EdgeState {
    const variables = { ...this.#variables(), output: outcome?.output ?? null, error: error === undefined ? null : { ...error } };
    return truth(when, variables) ? "taken" : "dead";
  }

  /** Ends a node and lets those after it know; false when it failed and no error edge takes it. */
  #end(id: string, status: "completed" | "failed" | "skipped" | "cancelled"): boolean {
    const state = this.#states.get(id);
    if (state === undefined || hasEnded(state.status)) return true;
    const hadBegun = state.status !== "pending";
    state.status = status;
    if (status === "cancelled") state.cancelled.resolve(undefined);
    if (!hadBegun) state.go.resolve("end");
    const outgoing = this.#body.edges.filter(({ from }) => from === id);
    const isTaken = outgoing.map((edge) => this.#edgeState(edge)).includes("taken");
    if (status === "failed" && !isTaken) return false;
    for (const { to } of outgoing) this.#decide(to);
    this.#finishIfEnded();
    return true;
  }

  #finishIfEnded(): void {
    if ([...this.#states.values()].every(({ status }) => hasEnded(status))) this.#finished.resolve(undefined);
  }
}

/** Nodes in the order of their ids: the journal keeps no order of keys, and a replay must begin branches in the same one. */
function sorted(body: GraphBody): GraphBody {
  return { ...body, nodes: Object.fromEntries(Object.entries(body.nodes).toSorted(([a], [b]) => (a < b ? -1 : 1))) };
}

function newState(): NodeState {
  return { status: "pending", go: Promise.withResolvers(), cancelled: Promise.withResolvers() };
}
