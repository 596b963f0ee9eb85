import { StreamableHTTPClientTransport, type JSONRPCMessage } from "@modelcontextprotocol/client";
import { StdioServerTransport } from "@modelcontextprotocol/server/stdio";

/** Which Tutti to speak to. */
export interface Endpoint {
  readonly url: string;
  readonly token: string;
}

const INTERNAL_ERROR = -32_603;
const VERSION_KEY = "io.modelcontextprotocol/protocolVersion";

/**
 * Carries the protocol between this process's stdio and a Tutti's `/mcp`, until the client closes stdin or the signal aborts. Both revisions
 * pass: what a client of 2026-07-28 cancels is left at the other end, where leaving is how one cancels.
 */
export async function relayStdio({ url, token }: Endpoint, signal: AbortSignal): Promise<void> {
  const http = new StreamableHTTPClientTransport(new URL("/mcp", url), { requestInit: { headers: { authorization: `Bearer ${token}` } } });
  const stdio = new StdioServerTransport();
  const over = Promise.withResolvers<void>();
  const underWay = new Map<string | number, AbortController>();
  const answer = (message: JSONRPCMessage): void => {
    if ("id" in message && message.id !== undefined && !("method" in message)) {
      underWay.delete(message.id);
      if ("result" in message && typeof message.result["protocolVersion"] === "string")
        http.setProtocolVersion(message.result["protocolVersion"]);
    }
    // A client that reads no more has closed its end, and is told nothing.
    stdio.send(message).catch(() => over.resolve());
  };
  http.onmessage = answer;
  stdio.onmessage = (message) => {
    const cancelled = cancelledIn(message);
    const modern = cancelled === undefined ? undefined : underWay.get(cancelled);
    if (modern !== undefined) return modern.abort();
    const gone = new AbortController();
    const id = "method" in message && "id" in message ? message.id : undefined;
    if (id !== undefined && isModern(message)) underWay.set(id, gone);
    http.send(message, { requestSignal: gone.signal }).catch((error: unknown) => {
      if (id === undefined || gone.signal.aborted) return;
      answer({ jsonrpc: "2.0", id, error: { code: INTERNAL_ERROR, message: error instanceof Error ? error.message : String(error) } });
    });
  };
  stdio.onclose = () => over.resolve();
  signal.addEventListener("abort", () => over.resolve(), { once: true });
  await http.start();
  await stdio.start();
  await over.promise;
  // The session is over with its client; a server that is gone has ended it already.
  await http.terminateSession().catch(() => undefined);
  await http.close();
  await stdio.close();
}

function isModern(message: JSONRPCMessage): boolean {
  return "method" in message && message.params?._meta !== undefined && VERSION_KEY in message.params._meta;
}

function cancelledIn(message: JSONRPCMessage): string | number | undefined {
  if (!("method" in message) || message.method !== "notifications/cancelled") return undefined;
  const id = message.params?.["requestId"];
  return typeof id === "string" || typeof id === "number" ? id : undefined;
}
