import { McpServers, type McpServersParts } from "./mcp-servers.ts";
import { resourceTools } from "./resource-tools.ts";

/** The MCP servers of an app, with the tools that were approved before, and the tools that read what servers hold. */
export async function openMcpServers(parts: McpServersParts): Promise<McpServers> {
  const servers = new McpServers(parts);
  parts.registry.addTools("built-in", resourceTools(servers));
  await servers.start();
  return servers;
}
