import type { Json, Tool } from "@tutti/core";
import { z } from "zod";
import type { McpServers } from "./mcp-servers.ts";

const SERVER = { type: "string", minLength: 1, maxLength: 32, description: "The MCP server, as `tutti mcp list` names it." };

/** Tools that read what MCP servers hold beside their tools. Off until policy allows them. */
export function resourceTools(servers: McpServers): readonly Tool[] {
  const base = { effect: "read", isUntrusted: true } as const;
  const list: Tool = {
    ...base,
    name: "mcp_list_resources",
    description: "Lists what an MCP server holds for reading: files, pages, records.",
    input: z.object({ server: z.string() }),
    parameters: { type: "object", properties: { server: SERVER }, required: ["server"], additionalProperties: false },
    run: async (input, { signal }) => ({ resources: await servers.get(text(input, "server")).resources(signal) }),
  };
  const read: Tool = {
    ...base,
    name: "mcp_read_resource",
    description: "Reads one resource of an MCP server by its URI.",
    input: z.object({ server: z.string(), uri: z.string().max(2048) }),
    parameters: {
      type: "object",
      properties: { server: SERVER, uri: { type: "string", minLength: 1, maxLength: 2048, description: "As the server lists it." } },
      required: ["server", "uri"],
      additionalProperties: false,
    },
    run: (input, { signal }) => servers.get(text(input, "server")).read(text(input, "uri"), signal),
  };
  return [list, read];
}

function text(input: Json, key: string): string {
  // The schema has checked it.
  return (input as Readonly<Record<string, string>>)[key] ?? "";
}
