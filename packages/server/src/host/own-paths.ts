import { join, resolve } from "node:path";
import { closedIn } from "../tools/index.ts";
import type { Logger } from "../telemetry/index.ts";
import type { Config } from "./config/index.ts";
import { pluginsDirOf } from "./plugin-folder/index.ts";
import { policyPlaces } from "./policy/index.ts";

/** Where Tutti was started, and the configuration file it was given, if that has another name than `tutti.yaml`. */
export interface OwnPlaces {
  readonly baseDir: string;
  readonly configFile?: string | undefined;
}

/** The folder of this program. */
const PROGRAM = resolve(import.meta.dirname, "../..");

/** Everything that says what Tutti may do, or that it runs or keeps: whoever writes there is its owner, so no tool may. */
export function ownPaths(config: Config, { baseDir, configFile }: OwnPlaces): readonly string[] {
  const named = [
    config.toolPolicyPath,
    config.shadowPolicyPath,
    config.routerPolicyPath,
    config.routerPolicyShadowPath,
    config.archiveDir,
    configFile,
  ].flatMap((path) => path ?? []);
  const plugins = config.plugins.filter((plugin) => /^[./]/.test(plugin)).map((plugin) => resolve(baseDir, plugin));
  const started = ["tutti.yaml", ".env", "node_modules"].map((name) => join(baseDir, name));
  return [config.dataDir, pluginsDirOf(config), ...policyPlaces(baseDir, config.dataDir), ...named, ...plugins, ...started, PROGRAM];
}

/** What is odd about the folder that file tools work in; `undefined` when nothing is. */
export async function workspaceWarning(config: Config, places: OwnPlaces): Promise<string | undefined> {
  if (config.workspaceDir === undefined) return undefined;
  const shared = await closedIn(config.workspaceDir, ownPaths(config, places));
  if (shared.length === 0) return undefined;
  return `workspaceDir (${config.workspaceDir}) shares folders with what is Tutti's own and closed to file tools: ${shared.join(", ")}; set it to a folder of its own`;
}

/** Writes it to the log. */
export async function warnOfWorkspace(config: Config, { logger, ...places }: OwnPlaces & { readonly logger: Logger }): Promise<void> {
  const warning = await workspaceWarning(config, places);
  if (warning !== undefined) logger.warn({ component: "tools" }, warning);
}
