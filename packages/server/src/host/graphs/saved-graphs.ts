import { createHash, randomUUID } from "node:crypto";
import { AppError, canonicalJson, type BlobRef, type Engine, type Event, type Json, type Principal, type Store } from "@tutti/core";
import type { Graph } from "@tutti/core/graph";
import { derivedId, graphWorkflow, type GraphHost } from "../../engine/index.ts";
import type { Registry } from "../registry.ts";

/** What each saved version is: a run of one event. The host keeps these however old they are. */
export const VERSION_WORKFLOW = "tutti.graph-version";

/** Names that are in use at once, and versions of one. */
const NAMES_MAX = 500;
const VERSIONS_MAX = 1_000;
const NAME = /^[A-Za-z0-9][\w.-]{0,99}$/;
/** Paths under /v1/graphs that are something else. */
const RESERVED: ReadonlySet<string> = new Set(["schema", "check", "runs"]);
const PAGE = 200;
/** How soon a node learns what another one saved. */
const LOOK_MS = 1_000;

/** A version of a saved graph. `hash` is the SHA-256 of its canonical JSON. */
export interface GraphVersion {
  readonly name: string;
  readonly version: number;
  readonly hash: string;
  readonly savedAt: string;
  readonly by: string;
  readonly message: string;
}

/** The same with the graph, and the text it was written as, if any. */
export interface SavedGraph extends GraphVersion {
  readonly graph: Graph;
  readonly text?: string;
}

/** What is saved, by whom, and on top of which version: 0 when the name has to be free. */
interface NewVersion {
  readonly name: string;
  readonly graph: Graph;
  readonly text: string | undefined;
  readonly message: string;
  readonly ifVersion: number | undefined;
}

/** What the log keeps of a version. `graph: null` says that the name was given up. */
interface Kept {
  readonly name: string;
  readonly version: number;
  /** Tells whose version stands there when two save at once. */
  readonly nonce: string;
  readonly graph: Graph | null;
  readonly text?: string;
  readonly message: string;
}

interface Known extends GraphVersion {
  readonly runId: string;
  readonly kept: Kept;
}

/** What saved graphs stand on. */
interface SavedGraphsParts {
  readonly engine: Engine;
  readonly store: Store;
  readonly registry: Registry;
  readonly host: GraphHost;
}

/**
 * Graphs that people keep under a name. Each version is a run of one event, whose id follows from name and number: a place in the log that
 * is taken once, so that two who save at once cannot both have it. The newest version is a workflow like any other.
 */
export class SavedGraphs implements AsyncDisposable {
  readonly #parts: SavedGraphsParts;
  /** All versions of a name, also of one that was given up, the oldest first. */
  readonly #versions = new Map<string, Known[]>();
  readonly #known = new Set<string>();
  /** Whether all that was there has been read once. */
  #isWhole = false;
  #reading: Promise<void> = Promise.resolve();
  readonly #listening: Disposable;
  #timer: NodeJS.Timeout | undefined;

  /** Reads what there is, and registers it; from then on also what other nodes save. */
  static async open(parts: SavedGraphsParts): Promise<SavedGraphs> {
    const graphs = new SavedGraphs(parts);
    await graphs.#refresh();
    return graphs;
  }

  private constructor(parts: SavedGraphsParts) {
    this.#parts = parts;
    this.#listening = parts.store.changes(() => {
      this.#timer ??= setTimeout(() => {
        this.#timer = undefined;
        // A store that cannot be read says so itself in health; the next change tries again.
        void this.#refresh().catch(() => undefined);
      }, LOOK_MS).unref();
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#listening[Symbol.dispose]();
    clearTimeout(this.#timer);
    await this.#reading.catch(() => undefined);
  }

  /** The newest version of each name that is in use, by name. */
  async list(): Promise<readonly GraphVersion[]> {
    await this.#refresh();
    const newest = [...this.#versions.values()].flatMap((versions) => versions.at(-1) ?? []);
    return newest
      .filter(({ kept }) => kept.graph !== null)
      .map(shown)
      .toSorted((a, b) => (a.name < b.name ? -1 : 1));
  }

  /** The newest first, as long as the name is in use. */
  async versions(name: string): Promise<readonly GraphVersion[]> {
    await this.get(name);
    return (this.#versions.get(name) ?? [])
      .filter(({ kept }) => kept.graph !== null)
      .map(shown)
      .toReversed();
  }

  /** The newest version, or the one asked for. */
  async get(name: string, version?: number): Promise<SavedGraph> {
    await this.#refresh();
    const versions = this.#versions.get(name) ?? [];
    const newest = versions.at(-1);
    const found = version === undefined ? newest : versions.find((known) => known.version === version);
    const graph = newest?.kept.graph === null ? null : (found?.kept.graph ?? null);
    if (found === undefined || graph === null)
      throw new AppError(
        "not_found",
        `wanted a saved graph, got "${name}"${version === undefined ? "" : ` in version ${version}`}, which is none; \`tutti graphs list\` lists them`,
      );
    return { ...shown(found), graph, ...(found.kept.text !== undefined && { text: found.kept.text }) };
  }

  /** Saves a version; nothing is saved when the newest is the same. `conflict` when the newest is not `ifVersion`. */
  async save(
    { name, graph, text, message, ifVersion }: NewVersion,
    principal: Principal,
  ): Promise<{ readonly saved: SavedGraph; readonly isNew: boolean }> {
    await this.#refresh();
    this.#requireName(name, graph);
    const versions = this.#versions.get(name) ?? [];
    const newest = versions.at(-1);
    requireNewest(name, newest, ifVersion);
    if (newest !== undefined && newest.hash === hashOf(graph) && newest.kept.text === text)
      return { saved: await this.get(name), isNew: false };
    if (newest === undefined && this.#versions.size >= NAMES_MAX)
      throw new AppError("conflict", `wanted at most ${NAMES_MAX} saved graphs, got one more; delete some`);
    if (versions.length >= VERSIONS_MAX)
      throw new AppError("conflict", `wanted at most ${VERSIONS_MAX} versions of a graph, got one more; save it under another name`);
    const version = (newest?.version ?? 0) + 1;
    await this.#write({ name, version, nonce: randomUUID(), graph, ...(text !== undefined && { text }), message }, principal);
    return { saved: await this.get(name, version), isNew: true };
  }

  /** Gives a name up. Its versions stay in the log, and runs of them go on. */
  async delete(name: string, ifVersion: number | undefined, principal: Principal): Promise<void> {
    const newest = await this.get(name);
    requireNewest(name, newest, ifVersion);
    await this.#write({ name, version: newest.version + 1, nonce: randomUUID(), graph: null, message: "deleted" }, principal);
  }

  /** The version that the workflow of a saved graph has. */
  static workflowVersion({ graph, version }: SavedGraph): string {
    return `${graph.version}+${version}`;
  }

  #requireName(name: string, graph: Graph): void {
    if (!NAME.test(name) || RESERVED.has(name) || name.startsWith("tutti."))
      throw new AppError(
        "invalid_input",
        `wanted a name of letters, digits and . _ - that is not ${[...RESERVED].join(", ")}, got "${name.slice(0, 100)}"`,
      );
    if (graph.name !== name)
      throw new AppError(
        "invalid_input",
        `wanted a graph called "${name}", got one called "${graph.name}"; change its name, or save it under that`,
      );
    const isTaken = !this.#versions.has(name) && this.#parts.registry.workflow(name) !== undefined;
    if (isTaken)
      throw new AppError("conflict", `wanted a name of its own, got "${name}", which another workflow or agent has; take another`);
  }

  async #write(kept: Kept, principal: Principal): Promise<void> {
    const { name, version } = kept;
    const runId = derivedId(`${VERSION_WORKFLOW}/${name}/${version}`);
    const input = { version, hash: kept.graph === null ? null : hashOf(kept.graph), message: kept.message };
    const recorded = this.#parts.engine.record(
      { runId, workflow: VERSION_WORKFLOW, action: "admin", kind: "step", name, input },
      principal,
    );
    await recorded.complete(kept as unknown as Json);
    await this.#refresh();
    const written = this.#versions.get(name)?.find((known) => known.version === version);
    if (written === undefined)
      throw new AppError("storage_unwritable", `wanted to save the graph "${name}", but the log did not take it; try again`);
    if (written.kept.nonce !== kept.nonce)
      throw new AppError(
        "conflict",
        `wanted version ${version} of "${name}", but ${written.by} saved it at the same moment; look at theirs first`,
      );
  }

  /** Reads versions that are not known yet, one reading after the other. */
  #refresh(): Promise<void> {
    const reading = this.#reading.then(
      () => this.#read(),
      () => this.#read(),
    );
    this.#reading = reading.catch(() => undefined);
    return reading;
  }

  async #read(): Promise<void> {
    const { store } = this.#parts;
    const changed = new Set<string>();
    let beforeId: string | undefined;
    for (;;) {
      const page = await store.runs({ workflow: VERSION_WORKFLOW, limit: PAGE, ...(beforeId !== undefined && { beforeId }) });
      const fresh = page.filter(({ id }) => !this.#known.has(id));
      for (const { id } of fresh) {
        const [event] = await store.read(id, { afterSeq: 0, limit: 1 });
        const found = event && (await this.#knownOf(event));
        this.#known.add(id);
        if (found === undefined) continue;
        this.#versions.set(
          found.name,
          [...(this.#versions.get(found.name) ?? []), found].toSorted((a, b) => a.version - b.version),
        );
        changed.add(found.name);
      }
      beforeId = page.at(-1)?.id;
      // Newest first: whatever is older than a whole page of known ones is known.
      if (page.length < PAGE || (this.#isWhole && fresh.length === 0)) break;
    }
    this.#isWhole = true;
    for (const name of changed) this.#register(name);
  }

  async #knownOf(event: Event): Promise<Known | undefined> {
    if (event.type !== "run.recorded" || !event.outcome.ok) return undefined;
    const { output } = event.outcome;
    const isLarge = typeof output === "object" && output !== null && "$blob" in output;
    const kept = (isLarge ? JSON.parse(await this.#parts.store.getBlob(output as unknown as BlobRef)) : output) as Kept;
    const { name, version, message, graph } = kept;
    const hash = graph === null ? "" : hashOf(graph);
    return { name, version, hash, savedAt: event.at, by: event.action.principal.id, message, runId: event.runId, kept };
  }

  /** The newest version is what starts; older ones stay for the runs that began with them. */
  #register(name: string): void {
    const versions = this.#versions.get(name) ?? [];
    const workflows = versions.flatMap(({ kept: { graph, version } }) =>
      graph === null ? [] : [{ ...graphWorkflow(graph, this.#parts.host), version: `${graph.version}+${version}` }],
    );
    this.#parts.registry.putGraph(name, workflows, versions.at(-1)?.kept.graph !== null);
  }
}

function requireNewest(
  name: string,
  newest: (Pick<Known, "version"> & Partial<Pick<Known, "kept">>) | undefined,
  ifVersion: number | undefined,
): void {
  const now = newest === undefined || newest.kept?.graph === null ? 0 : newest.version;
  if (ifVersion === undefined || ifVersion === now) return;
  throw new AppError(
    "conflict",
    `wanted to follow version ${ifVersion} of "${name}", but the newest is ${now === 0 ? "none" : now}; look at what has changed, then save again`,
  );
}

function shown({ name, version, hash, savedAt, by, message }: GraphVersion): GraphVersion {
  return { name, version, hash, savedAt, by, message };
}

function hashOf(graph: Graph): string {
  return createHash("sha256")
    .update(canonicalJson(graph as unknown as Json))
    .digest("hex");
}
