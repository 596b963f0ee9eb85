import type { Json, ModelRequest, Reply } from "@tutti/core";
import type { PluginHost, PluginRequest, PluginResponse } from "@tutti/core/plugin";
import type { Peer } from "./peer.ts";

const NEVER = new AbortController().signal;

/** The host as a plugin sees it: each call is a request over the channel, and the host decides. */
export function hostOver(
  peer: Peer,
  { name, settings }: { readonly name: string; readonly settings: Json },
  duringCall: () => number | undefined,
): PluginHost {
  // The host answers what the contract says; it parses what comes from here, not the other way round.
  const ask = <T>(method: string, params: object): Promise<T> =>
    peer.ask(method, { ...params, during: duringCall() }, NEVER) as Promise<unknown> as Promise<T>;
  return {
    name,
    settings,
    log: (level, message, fields) => peer.notify("log", { level, message, ...(fields !== undefined && { fields }) }),
    emit: async (type, data) => void (await ask("emit", { type, data })),
    secret: (secret) => ask<string>("secret", { name: secret }),
    fetch: (url: string, request?: PluginRequest) => ask<PluginResponse>("fetch", { ...request, url }),
    call: (tool, input) => ask<Json>("call", { tool, input }),
    generate: (model: string, request: ModelRequest) => ask<Reply>("generate", { model, request }),
    storage: {
      get: async (key) => (await ask<{ readonly value?: Json }>("storage.get", { key })).value,
      set: async (key, value) => void (await ask("storage.set", { key, value })),
      delete: async (key) => void (await ask("storage.delete", { key })),
      keys: () => ask<readonly string[]>("storage.keys", {}),
    },
  };
}
