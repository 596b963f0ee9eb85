export { openMcpServers } from "./open-mcp-servers.ts";
export { McpServers, type McpServerView } from "./mcp-servers.ts";
export { questionWorkflow, samplingWorkflow } from "./questions.ts";
