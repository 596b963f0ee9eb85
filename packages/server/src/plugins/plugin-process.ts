import { AsyncLocalStorage } from "node:async_hooks";
import { Socket } from "node:net";
import { pathToFileURL } from "node:url";
import { AppError, type Json } from "@tutti/core";
import type { IsolatedPlugin, IsolatedTool, PluginEntryModule } from "@tutti/core/plugin";
import { narrow } from "./narrowing.ts";
import { Peer } from "./peer.ts";
import { CHANNEL_FD, type CallRequest, type StartReply, type StartRequest } from "./protocol.ts";
import { hostOver } from "./host-over-channel.ts";

// The process of one plugin. Whatever happens in here ends this process at most.
const tools = new Map<string, IsolatedTool>();
/** During which call something happens. */
const calls = new AsyncLocalStorage<number>();
let entry: PluginEntryModule | undefined;

const peer = new Peer(new Socket({ fd: CHANNEL_FD }), {
  isPaced: false,
  handle: (method, params, signal) => {
    if (method === "start") return start(params as unknown as StartRequest) as Promise<unknown> as Promise<Json>;
    if (method === "call") return call(params as unknown as CallRequest, signal);
    if (method === "ping") return Promise.resolve(null);
    if (method === "stop") return stop();
    throw new AppError("unsupported", `wanted start, call, ping or stop, got ${method}`);
  },
  notice: () => undefined,
  broken: () => process.exit(1),
});

process.on("SIGINT", () => {});
process.on("SIGTERM", () => {});
// What nobody awaited has harmed nobody yet: it is told, and the plugin lives on.
process.on("unhandledRejection", (reason) => peer.notify("late", { message: messageOf(reason) }));
process.on("uncaughtException", (error) => {
  peer.notify("thrown", { message: messageOf(error) });
  // What the plugin holds may be half done: a new process begins with nothing. The notice leaves in the meantime.
  setTimeout(() => process.exit(70), 50);
});

async function start({ name, entry: file, settings }: StartRequest): Promise<StartReply> {
  narrow();
  const loaded = (await import(pathToFileURL(file).href)) as Partial<PluginEntryModule>;
  if (typeof loaded.init !== "function")
    throw new AppError(
      "invalid_input",
      `wanted an entry that exports init(host), got one with ${Object.keys(loaded).join(", ") || "nothing"}`,
    );
  entry = loaded as PluginEntryModule;
  const brought: IsolatedPlugin & { readonly workflows?: unknown } = await entry.init(
    hostOver(peer, { name, settings }, () => calls.getStore()),
  );
  if (brought?.workflows !== undefined)
    throw new AppError(
      "unsupported",
      "wanted tools of a plugin in a process of its own, got workflows as code; write them as graphs, or name the plugin in `plugins` of tutti.yaml, where it runs in Tutti's own process",
    );
  for (const tool of brought?.tools ?? []) {
    if (typeof tool.run !== "function")
      throw new AppError("invalid_input", `wanted a tool with run(input, call), got ${JSON.stringify(tool)}`);
    tools.set(tool.name, tool);
  }
  // Functions do not cross the channel: what is left of a tool is what it says of itself.
  return { tools: [...tools.values()] };
}

async function call({ id, tool, input, idempotencyKey, principal }: CallRequest, signal: AbortSignal): Promise<Json> {
  const found = tools.get(tool);
  if (found === undefined) throw new AppError("not_found", `wanted a tool of this plugin, got "${tool}"`);
  try {
    const output: unknown = await calls.run(id, () => found.run(input as never, { idempotencyKey, principal, signal }));
    // A plugin that gives nothing has given null; what is no JSON is refused by the channel.
    return (output ?? null) as Json;
  } catch (thrown) {
    throw coded(thrown);
  }
}

/** A plugin need not import `AppError`: a `code` that Tutti knows is kept, and anything else is the plugin's fault. */
function coded(thrown: unknown): AppError {
  const code = typeof thrown === "object" && thrown !== null && "code" in thrown ? String(thrown.code) : "upstream";
  const revived = AppError.revive(code, messageOf(thrown));
  return revived.code === "internal" ? new AppError("upstream", revived.message) : revived;
}

async function stop(): Promise<null> {
  await entry?.stop?.();
  return null;
}

function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
