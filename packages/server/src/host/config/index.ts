export { limitsSchema } from "./budgets.ts";
export { configTable, describeConfig, envExample, type ConfigRow } from "./describe.ts";
export { mcpServerSchema, type McpAuthSetting, type McpServerSetting } from "./mcp.ts";
export { readLocale, readProcessConfig, readSecret } from "./process-env.ts";
export { configFrom, readConfig, type ConfigReading } from "./read-config.ts";
export { type Config } from "./settings.ts";
export { issuesIn } from "./yaml-issues.ts";
export { readYaml, type YamlFile } from "./yaml-file.ts";
