export { installPlugin } from "./folders.ts";
export type { PluginFolder } from "./plugin-folder.ts";
export { openPluginFolder, pluginsDirOf } from "./open.ts";
export { newPlugin } from "./new-plugin.ts";
