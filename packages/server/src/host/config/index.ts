export { configTable, describeConfig, envExample, type ConfigRow } from "./describe.ts";
export { readLocale, readProcessConfig } from "./process-env.ts";
export { configFrom, readConfig, type ConfigInput, type ConfigReading } from "./read-config.ts";
export { CONFIG_FILE_ENV, type Config, type ProviderConfig } from "./settings.ts";
export { readYaml, type YamlFile } from "./yaml-file.ts";
