import { join } from "node:path";
import type { AgentDeps } from "../agents/index.ts";
import type { Config } from "../config/index.ts";
import type { Models } from "../../models/index.ts";
import type { Registry } from "../registry.ts";
import type { Services } from "../services.ts";
import { declareOnly } from "./declarations.ts";
import { PluginFolder } from "./plugin-folder.ts";
import type { ServiceParts } from "./services.ts";

/** What the folder of an app is opened with. */
interface Sources extends Omit<ServiceParts, "events" | "findModel"> {
  readonly registry: Registry;
  readonly agents: AgentDeps;
  readonly services: Services;
  readonly models: Models;
}

/** The folder that the configuration names, over the registry, with what is enabled loaded. */
export async function openPluginFolder(config: Config, { registry, agents, services, models, ...parts }: Sources): Promise<PluginFolder> {
  closeDebugger();
  const options = config.pluginOptions.map(({ name, ...given }) => [name, given] as const);
  const folder = new PluginFolder({
    dir: pluginsDirOf(config),
    copiesDir: join(config.dataDir, "plugin-copies"),
    home: {
      replace: async (plugin, path, build) => void (await registry.replace(plugin, path, { deps: agents, build })),
      remove: (name) => registry.remove(name),
      // One in Tutti's own process that has the name by now keeps what it declared.
      declare: async (plugin, by) =>
        registry.loaded.some(({ name }) => name === plugin.name) ? undefined : declareOnly(services, plugin, by),
    },
    services: { ...parts, events: services.events, findModel: (id) => registry.model(id) ?? models.model(id) },
    options: Object.fromEntries(options),
  });
  await folder.open();
  return folder;
}

/** Without a listener, SIGUSR1 opens Node's debugger, and whoever may send it runs code in here. Where somebody listens already, that does it. */
function closeDebugger(): void {
  if (process.listenerCount("SIGUSR1") === 0) process.on("SIGUSR1", () => undefined);
}

/** Where plugins are looked for. */
export function pluginsDirOf({ pluginsDir, dataDir }: Pick<Config, "pluginsDir" | "dataDir">): string {
  return pluginsDir ?? join(dataDir, "plugins");
}
