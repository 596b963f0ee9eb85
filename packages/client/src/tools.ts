import type { ToolEntry } from "./replies.ts";
import type { Transport } from "./transport.ts";

/** What is asked of an import: an API's description, or where it is. Secrets are named, never given. */
export interface ToolImportRequest {
  readonly name: string;
  readonly document?: string;
  readonly url?: string;
  readonly server?: string;
  readonly pick?: { readonly ids?: readonly string[]; readonly tags?: readonly string[]; readonly paths?: readonly string[] };
  readonly auth?: Readonly<Record<string, { readonly secret: string; readonly user?: string }>>;
  readonly isOutputChecked?: boolean;
  /** Whether to tell only what would come of it. */
  readonly isDryRun?: boolean;
}

/** An API whose operations are tools, and which of them cannot be. */
export interface ToolImportEntry {
  readonly name: string;
  readonly title: string;
  readonly server: string;
  readonly tools: readonly Pick<ToolEntry, "name" | "description" | "effect">[];
  /** What is there but cannot be called as it is, such as for want of a secret. */
  readonly warnings: readonly string[];
  readonly skipped: readonly { readonly operation: string; readonly reason: string }[];
}

/** Tools and where they come from. */
export interface ToolCalls {
  tool(name: string, signal?: AbortSignal): Promise<ToolEntry>;
  toolImports(signal?: AbortSignal): Promise<readonly ToolImportEntry[]>;
  /** Makes tools of an OpenAPI description, now and at every start. */
  importTools(request: ToolImportRequest, signal?: AbortSignal): Promise<ToolImportEntry>;
  removeToolImport(name: string, signal?: AbortSignal): Promise<void>;
}

const IMPORT_TIMEOUT_MS = 120_000;

/** The calls of `ToolCalls` over a transport. */
export function toolCalls(transport: Transport): ToolCalls {
  return {
    tool: async (name, signal) =>
      (await transport.json<{ readonly tool: ToolEntry }>({ path: `/v1/tools/${encodeURIComponent(name)}` }, signal)).tool,
    toolImports: async (signal) =>
      (await transport.json<{ readonly imports: readonly ToolImportEntry[] }>({ path: "/v1/tool-imports" }, signal)).imports,
    importTools: async (request, signal) => {
      const asked = { method: "POST", path: "/v1/tools/import", body: request, timeoutMs: IMPORT_TIMEOUT_MS } as const;
      return (await transport.json<{ readonly import: ToolImportEntry }>(asked, signal)).import;
    },
    removeToolImport: (name, signal) => transport.json({ method: "DELETE", path: `/v1/tool-imports/${encodeURIComponent(name)}` }, signal),
  };
}
