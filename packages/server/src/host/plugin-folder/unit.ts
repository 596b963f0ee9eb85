import type { PluginPermissions } from "@tutti/core/plugin";
import type { RunnerState } from "../../plugins/index.ts";
import type { Generation } from "./generation.ts";
import type { PluginManifest } from "./manifest.ts";
import { inWords } from "./permissions.ts";
import type { Copy } from "./snapshot.ts";

/** Where a plugin of the folder stands. */
type UnitStatus =
  /** It is there, and nobody has enabled it. */
  | "off"
  | "loaded"
  /** Its folder asks for more than was granted; what was loaded before goes on. */
  | "asks"
  /** Its folder does not load; what was loaded before goes on. */
  | "failed"
  | "crash loop";

/** What somebody granted a plugin, and whether it is to be loaded. */
export interface Grant {
  readonly enabled: boolean;
  readonly permissions: PluginPermissions;
  readonly by: string;
  readonly at: string;
}

/** What a person sees of a plugin of the folder. */
export interface PluginView {
  readonly name: string;
  readonly status: UnitStatus;
  readonly folder: string;
  /** The version in the folder; the one that is loaded may be older. */
  readonly version: string | null;
  readonly loaded: {
    readonly version: string;
    readonly hash: string;
    readonly tools: readonly string[];
    readonly skills: readonly string[];
  } | null;
  readonly description: string;
  readonly permissions: PluginPermissions | null;
  /** All that it asks for, in words. */
  readonly wants: readonly string[];
  readonly granted: PluginPermissions | null;
  /** What it asks for beyond what was granted, in words. */
  readonly asks: readonly string[];
  readonly process: {
    readonly status: RunnerState["status"];
    readonly pid: number | null;
    readonly restarts: number;
    readonly gaps: readonly string[];
  } | null;
  readonly problem: string | null;
}

/** One plugin of the folder, as this process knows it. */
export interface Unit {
  readonly name: string;
  readonly folder: string;
  manifest: PluginManifest | undefined;
  generation: Generation | undefined;
  /** The one before, for as long as runs that began with it are under way. */
  retired: Retired | undefined;
  problem: string | undefined;
  /** The content that was looked at last. */
  copy: Copy | undefined;
  /** The content that did not load: it is not tried again until it changes or somebody asks. */
  failedHash: string | undefined;
  asks: readonly string[];
}

/** A version that was replaced, and the runs that keep it. */
interface Retired {
  readonly generation: Generation;
  readonly runIds: Set<string>;
  readonly timer: NodeJS.Timeout;
}

/** How a unit stands. Pure. */
function statusOf({ generation, problem, asks }: Unit, grant: Grant | undefined): UnitStatus {
  if (generation?.runner?.state.status === "crash loop") return "crash loop";
  if (problem !== undefined) return "failed";
  if (grant?.enabled !== true) return "off";
  return asks.length > 0 ? "asks" : generation === undefined ? "off" : "loaded";
}

/** A folder that nothing is known of yet. */
export function newUnit(name: string, folder: string): Unit {
  return {
    name,
    folder,
    manifest: undefined,
    generation: undefined,
    retired: undefined,
    problem: undefined,
    copy: undefined,
    failedHash: undefined,
    asks: [],
  };
}

/** A unit as a person sees it. Pure. */
export function viewOf(unit: Unit, grant: Grant | undefined, asks: readonly string[]): PluginView {
  const { name, folder, manifest, generation } = unit;
  return {
    name,
    status: statusOf(unit, grant),
    folder,
    version: manifest?.version ?? null,
    description: manifest?.description ?? "",
    loaded: generation === undefined ? null : loadedView(generation),
    permissions: manifest?.permissions ?? null,
    wants: manifest === undefined ? [] : inWords(manifest.permissions),
    granted: grant?.permissions ?? null,
    asks,
    process: processView(generation),
    problem: problemOf(unit),
  };
}

function problemOf({ problem, generation }: Unit): string | null {
  const state = generation?.runner?.state;
  return problem ?? (state !== undefined && "end" in state ? state.end.message : null);
}

function loadedView({ manifest: { version }, hash, plugin, skills }: Generation): PluginView["loaded"] {
  return { version, hash, tools: (plugin.tools ?? []).map(({ name }) => name), skills: skills.map(({ name }) => name) };
}

function processView(generation: Generation | undefined): PluginView["process"] {
  const runner = generation?.runner;
  if (runner === undefined) return null;
  const { state, restarts, gaps } = runner;
  return { status: state.status, pid: state.status === "running" ? state.pid : null, restarts, gaps };
}
