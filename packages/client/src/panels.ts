import type { Json } from "@tutti/core";
import type { Panel, PanelContent, PanelSlot } from "@tutti/core/plugin";
import type { Transport } from "./transport.ts";

/** A panel that a plugin brings to the console. */
export type PanelEntry = Panel & {
  readonly plugin: string;
  readonly version: string | null;
  /** Whether policy lets you see it, as far as that does not depend on what is entered. */
  readonly allowed: { readonly effect: "allow" | "ask" | "deny" | "depends"; readonly reason: string; readonly rule: string };
};

/** Which panel, and what was entered into its fields. */
export interface PanelRequest {
  readonly plugin: string;
  readonly panel: string;
  readonly input?: { readonly [key: string]: Json };
  /** An approval that was given for the call, where policy asks for one. */
  readonly approvalId?: string;
  /** Of a panel over a workflow: whose answer to show, instead of the newest run under way. */
  readonly runId?: string;
}

/** What a panel shows now. */
export interface PanelReply {
  readonly plugin: string;
  readonly panel: string;
  readonly at: string;
  /** The run that recorded the call, or that answered; none where nothing was asked. */
  readonly runId: string | null;
  readonly content: PanelContent;
}

/** The calls about panels. */
export interface PanelCalls {
  panels(slot?: PanelSlot, signal?: AbortSignal): Promise<readonly PanelEntry[]>;
  /** What feeds the panel is called as you, and decided as your own call. */
  panelData(request: PanelRequest, signal?: AbortSignal): Promise<PanelReply>;
}

/** A source has half a minute; then the server says so itself. */
const DATA_TIMEOUT_MS = 40_000;

/** The calls over a transport. */
export function panelCalls(transport: Transport): PanelCalls {
  return {
    panels: async (slot, signal) =>
      (await transport.json<{ readonly panels: readonly PanelEntry[] }>({ path: "/v1/panels", query: { slot } }, signal)).panels,
    panelData: ({ plugin, panel, ...body }, signal) => {
      const path = `/v1/panels/${encodeURIComponent(plugin)}/${encodeURIComponent(panel)}/data`;
      return transport.json({ method: "POST", path, body, timeoutMs: DATA_TIMEOUT_MS }, signal);
    },
  };
}
