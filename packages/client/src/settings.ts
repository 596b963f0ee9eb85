import type { Json } from "@tutti/core";
import type { Transport } from "./transport.ts";

/** A key of the configuration: what it is and where it comes from ("default", "file", "env", …). Secrets are masked. */
export interface ConfigEntry {
  readonly key: string;
  readonly value: string;
  readonly source: string;
  /** The variable that sets it; "" where only the file can. */
  readonly env: string;
  readonly description: string;
  /** What it must be. */
  readonly valid: string;
  readonly isSecret: boolean;
  /** Where it is explained. */
  readonly docs: string;
}

/** The configuration that the server runs on; `file` is the one it was read from, if any. */
export interface ConfigReply {
  readonly file: string | null;
  readonly settings: readonly ConfigEntry[];
}

/** A view that somebody saved: filters, columns, a query, as its page wants them. */
export interface SavedView {
  readonly name: string;
  readonly value: Json;
  readonly savedAt: string;
}

/** Calls about the server's settings, and about views that people save. */
export interface SettingCalls {
  config(signal?: AbortSignal): Promise<ConfigReply>;
  views(signal?: AbortSignal): Promise<readonly SavedView[]>;
  view(name: string, signal?: AbortSignal): Promise<SavedView>;
  /** At most 64 KiB each, 200 of them. */
  saveView(name: string, value: Json, signal?: AbortSignal): Promise<SavedView>;
  deleteView(name: string, signal?: AbortSignal): Promise<void>;
}

/** The calls over a transport. */
export function settingCalls(transport: Transport): SettingCalls {
  const path = (name: string): string => `/v1/views/${encodeURIComponent(name)}`;
  return {
    config: (signal) => transport.json({ path: "/v1/config" }, signal),
    views: async (signal) => (await transport.json<{ readonly views: readonly SavedView[] }>({ path: "/v1/views" }, signal)).views,
    view: (name, signal) => transport.json({ path: path(name) }, signal),
    saveView: (name, value, signal) => transport.json({ method: "PUT", path: path(name), body: { value } }, signal),
    deleteView: (name, signal) => transport.json({ method: "DELETE", path: path(name) }, signal),
  };
}
