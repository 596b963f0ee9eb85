export { openMcpServers } from "./open-mcp-servers.ts";
export { McpServers } from "./mcp-servers.ts";
export { questionWorkflow, samplingWorkflow } from "./questions.ts";
