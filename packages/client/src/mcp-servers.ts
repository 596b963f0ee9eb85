import type { Json } from "@tutti/core";
import type { Transport } from "./transport.ts";

/** A tool of an MCP server beside what was approved of it. */
export interface McpToolEntry {
  readonly state: "approved" | "new" | "changed" | "gone";
  readonly name: string;
  readonly hash: string;
  readonly tool: Json;
  /** What was approved, where it changed. */
  readonly was?: Json;
}

/** An MCP server whose tools are used, and how it is. */
export interface McpServerEntry {
  readonly name: string;
  readonly transport: "stdio" | "http";
  readonly state: "idle" | "connected" | "down";
  readonly server?: { readonly name: string; readonly version: string; readonly revision: string };
  readonly tools: { readonly approved: number; readonly waiting: number };
  readonly calls: number;
  readonly failures: number;
  readonly reason?: string;
  readonly isConfigured: boolean;
  readonly pinned: readonly McpToolEntry[];
  readonly setting: Json;
}

/** What of a server is approved: all of it, or some tools, as they were shown. */
export interface McpApproval {
  readonly tools?: readonly string[];
  readonly hashes?: Readonly<Record<string, string>>;
}

/** The calls about MCP servers. */
export interface McpServerCalls {
  mcpServers(signal?: AbortSignal): Promise<readonly McpServerEntry[]>;
  mcpServer(name: string, signal?: AbortSignal): Promise<McpServerEntry>;
  addMcpServer(setting: Json, signal?: AbortSignal): Promise<McpServerEntry>;
  removeMcpServer(name: string, signal?: AbortSignal): Promise<void>;
  /** Connects, and reads its list of tools. */
  testMcpServer(name: string, signal?: AbortSignal): Promise<McpServerEntry>;
  approveMcpServer(name: string, approval: McpApproval, signal?: AbortSignal): Promise<McpServerEntry>;
  /** Where a person logs in for it; `null` when that is done. */
  loginMcpServer(name: string, signal?: AbortSignal): Promise<string | null>;
}

const CONNECT_TIMEOUT_MS = 120_000;

/** Makes them. */
export function mcpServerCalls(transport: Transport): McpServerCalls {
  const at = (name: string, rest = ""): string => `/v1/mcp/servers/${encodeURIComponent(name)}${rest}`;
  const one = async (asked: Promise<{ readonly server: McpServerEntry }>): Promise<McpServerEntry> => (await asked).server;
  return {
    mcpServers: async (signal) =>
      (await transport.json<{ readonly servers: readonly McpServerEntry[] }>({ path: "/v1/mcp/servers" }, signal)).servers,
    mcpServer: (name, signal) => one(transport.json({ path: at(name) }, signal)),
    addMcpServer: (setting, signal) => one(transport.json({ method: "POST", path: "/v1/mcp/servers", body: setting }, signal)),
    removeMcpServer: (name, signal) => transport.json({ method: "DELETE", path: at(name) }, signal),
    testMcpServer: (name, signal) =>
      one(transport.json({ method: "POST", path: at(name, "/test"), timeoutMs: CONNECT_TIMEOUT_MS }, signal)),
    approveMcpServer: (name, approval, signal) =>
      one(transport.json({ method: "POST", path: at(name, "/approve"), body: approval, timeoutMs: CONNECT_TIMEOUT_MS }, signal)),
    loginMcpServer: async (name, signal) =>
      (
        await transport.json<{ readonly url: string | null }>(
          { method: "POST", path: at(name, "/login"), timeoutMs: CONNECT_TIMEOUT_MS },
          signal,
        )
      ).url,
  };
}
