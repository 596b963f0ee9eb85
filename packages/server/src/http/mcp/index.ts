export { appOffer } from "./app-offer.ts";
export { MCP_PATH, METADATA_PATH } from "./door.ts";
export { mcpRoutes, type McpRoutes } from "./mcp-routes.ts";
