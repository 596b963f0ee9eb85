import { AppError, type Json } from "@tutti/core";
import type { Graph, GraphDifference, GraphProblem, PlacedProblem } from "@tutti/core/graph";
import type { StartedRun } from "./replies.ts";
import type { Transport } from "./transport.ts";

/** A version of a saved graph. It never changes; `hash` is the SHA-256 of the graph's canonical JSON. Versions count from 1. */
export interface GraphVersion {
  readonly name: string;
  readonly version: number;
  readonly hash: string;
  readonly savedAt: string;
  readonly by: string;
  readonly message: string;
}

/** A saved graph as of one version. `text` is what it was written as, when it was saved as a text. */
export interface SavedGraph extends GraphVersion {
  readonly graph: Graph;
  readonly text?: string;
}

/** A graph to save. `ifVersion`: the version it was made from; 0 when the name must be free. Left out, the newest is followed. */
export interface SaveGraphRequest {
  readonly text?: string;
  readonly graph?: Graph | Json;
  readonly message?: string;
  readonly ifVersion?: number;
}

/** Saved, or what is wrong with it and where: lines and columns where it came as a text. `isNew` is false when nothing has changed. */
export type SaveGraphReply =
  | { readonly ok: true; readonly saved: SavedGraph; readonly isNew: boolean }
  | { readonly ok: false; readonly problems: readonly (GraphProblem & Partial<PlacedProblem>)[] };

/** What two versions differ in. `nodes` tells each node by id with what it was and is; "name", "input" and the like stand in `fields`. */
export interface GraphVersionDifference extends GraphDifference {
  readonly from: number;
  readonly to: number;
  readonly nodes: Readonly<Record<string, { readonly before: Json | null; readonly after: Json | null }>>;
}

/** Calls about graphs that are kept under a name, with all their versions. */
export interface SavedGraphCalls {
  savedGraphs(signal?: AbortSignal): Promise<readonly GraphVersion[]>;
  /** The newest version, or the one asked for. */
  savedGraph(name: string, version?: number, signal?: AbortSignal): Promise<SavedGraph>;
  /** `conflict` when `ifVersion` is not the newest any more. A graph that is not right is a value: `ok: false`. */
  saveGraph(name: string, request: SaveGraphRequest, signal?: AbortSignal): Promise<SaveGraphReply>;
  /** Newest first. */
  graphVersions(name: string, signal?: AbortSignal): Promise<readonly GraphVersion[]>;
  graphDifference(
    name: string,
    versions: { readonly from: number; readonly to: number },
    signal?: AbortSignal,
  ): Promise<GraphVersionDifference>;
  /** The name is free afterwards; runs go on, and the versions stay in the log. */
  deleteGraph(name: string, options?: { readonly ifVersion?: number }, signal?: AbortSignal): Promise<void>;
  startSavedGraph(
    name: string,
    request: { readonly input: Json; readonly version?: number; readonly runId?: string },
    signal?: AbortSignal,
  ): Promise<StartedRun>;
}

/** The calls over a transport. */
export function savedGraphCalls(transport: Transport): SavedGraphCalls {
  const path = (name: string, rest = ""): string => `/v1/graphs/${encodeURIComponent(name)}${rest}`;
  return {
    savedGraphs: async (signal) =>
      (await transport.json<{ readonly graphs: readonly GraphVersion[] }>({ path: "/v1/graphs" }, signal)).graphs,
    savedGraph: (name, version, signal) =>
      transport.json({ path: version === undefined ? path(name) : path(name, `/versions/${version}`) }, signal),
    async saveGraph(name, body, signal) {
      try {
        const reply = await transport.json<{ readonly saved: SavedGraph; readonly isNew: boolean }>(
          { method: "PUT", path: path(name), body },
          signal,
        );
        return { ok: true, ...reply };
      } catch (thrown) {
        const problems = problemsOf(thrown);
        if (problems === undefined) throw thrown;
        return { ok: false, problems };
      }
    },
    graphVersions: async (name, signal) =>
      (await transport.json<{ readonly versions: readonly GraphVersion[] }>({ path: path(name, "/versions") }, signal)).versions,
    graphDifference: (name, versions, signal) => transport.json({ path: path(name, "/diff"), query: { ...versions } }, signal),
    deleteGraph: (name, options = {}, signal) => transport.json({ method: "DELETE", path: path(name), query: { ...options } }, signal),
    startSavedGraph: (name, body, signal) => transport.json({ method: "POST", path: path(name, "/runs"), body }, signal),
  };
}

/** What the server said is wrong with a graph. */
function problemsOf(thrown: unknown): readonly (GraphProblem & Partial<PlacedProblem>)[] | undefined {
  if (!(thrown instanceof AppError) || typeof thrown.cause !== "object" || thrown.cause === null || !("problems" in thrown.cause))
    return undefined;
  return thrown.cause.problems as readonly (GraphProblem & Partial<PlacedProblem>)[];
}
