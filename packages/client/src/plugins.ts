import type { Transport } from "./transport.ts";

/** A plugin of the plugins folder: where it stands, what it asks for, what it brings. */
export interface FolderPlugin {
  readonly name: string;
  readonly status: "off" | "loaded" | "asks" | "failed" | "crash loop";
  readonly folder: string;
  readonly version: string | null;
  readonly description: string;
  readonly loaded: {
    readonly version: string;
    readonly hash: string;
    readonly tools: readonly string[];
    readonly skills: readonly string[];
  } | null;
  /** All that it asks for, in words, and what of it nobody has granted. */
  readonly wants: readonly string[];
  readonly asks: readonly string[];
  readonly process: {
    readonly status: string;
    readonly pid: number | null;
    readonly restarts: number;
    readonly gaps: readonly string[];
  } | null;
  readonly problem: string | null;
}

/** The same with what it printed last. */
export interface FolderPluginDetails extends FolderPlugin {
  readonly output: string;
}

/** The calls about plugins of the folder. */
export interface PluginCalls {
  folderPlugins(signal?: AbortSignal): Promise<readonly FolderPlugin[]>;
  folderPlugin(name: string, signal?: AbortSignal): Promise<FolderPluginDetails>;
  /** Grants what the plugin asks for, if that is what was shown, and loads it. */
  enableFolderPlugin(name: string, shown: readonly string[], signal?: AbortSignal): Promise<FolderPlugin>;
  /** Copies a folder of the server's own folder to the plugins folder; it stays off. */
  addFolderPlugin(path: string, signal?: AbortSignal): Promise<FolderPlugin>;
  disableFolderPlugin(name: string, signal?: AbortSignal): Promise<FolderPlugin>;
  removeFolderPlugin(name: string, signal?: AbortSignal): Promise<void>;
}

/** The calls over a transport. */
export function pluginCalls(transport: Transport): PluginCalls {
  const path = (name: string, rest = ""): string => `/v1/plugins/${encodeURIComponent(name)}${rest}`;
  const one = async <T>(ask: Parameters<Transport["json"]>[0], signal?: AbortSignal): Promise<T> =>
    (await transport.json<{ readonly plugin: T }>(ask, signal)).plugin;
  return {
    folderPlugins: async (signal) =>
      (await transport.json<{ readonly folder: readonly FolderPlugin[] }>({ path: "/v1/plugins" }, signal)).folder,
    folderPlugin: (name, signal) => one({ path: path(name) }, signal),
    enableFolderPlugin: (name, shown, signal) =>
      one({ method: "POST", path: path(name, "/enable"), body: { shown }, timeoutMs: START_TIMEOUT_MS }, signal),
    addFolderPlugin: (path, signal) => one({ method: "POST", path: "/v1/plugins", body: { path, isolated: true } }, signal),
    disableFolderPlugin: (name, signal) => one({ method: "POST", path: path(name, "/disable"), body: {} }, signal),
    removeFolderPlugin: async (name, signal) => void (await transport.json({ method: "DELETE", path: path(name) }, signal)),
  };
}

/** A plugin may take its time to start. */
const START_TIMEOUT_MS = 60_000;
