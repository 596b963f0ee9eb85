export { installPlugin, type PluginFolder } from "./plugin-folder.ts";
export { openPluginFolder, pluginsDirOf } from "./open.ts";
export { newPlugin } from "./new-plugin.ts";
