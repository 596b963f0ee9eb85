import type { Json } from "@tutti/core";
import type { IsolatedTool } from "@tutti/core/plugin";

/** The stream that Tutti and a plugin's process speak over: lines of JSON-RPC 2.0 on this file descriptor of the process. */
export const CHANNEL_FD = 3;

/** A larger message ends the process that sent it; it is never read to its end. */
export const MESSAGE_BYTES_MAX = 1_048_576;

/** What a plugin's process is told first. */
export interface StartRequest {
  readonly name: string;
  readonly entry: string;
  readonly settings: Json;
}

/** What it answers when its `init` has returned. */
export interface StartReply {
  readonly tools: readonly ToolDescription[];
}

/** A tool as it crosses the channel: everything but its code. */
export type ToolDescription = Omit<IsolatedTool, "run">;

/** A call of one of its tools. */
export interface CallRequest {
  /** What the process names when it asks for something during the call. */
  readonly id: number;
  readonly tool: string;
  readonly input: Json;
  readonly idempotencyKey: string;
  readonly principal: { readonly id: string; readonly tenant: string; readonly roles: readonly string[] };
}
