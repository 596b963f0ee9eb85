import { builtinModules, registerHooks } from "node:module";
import { AppError } from "@tutti/core";

/** Modules of Node with which a plugin would go past the host: the network, other processes, other threads, databases on disk. */
const REFUSED = new Set([
  "child_process",
  "cluster",
  "dgram",
  "dns",
  "dns/promises",
  "http",
  "http2",
  "https",
  "inspector",
  "inspector/promises",
  "net",
  "repl",
  "sqlite",
  "tls",
  "vm",
  "wasi",
  "worker_threads",
]);
/** Global ways to the network. */
const GLOBALS = ["fetch", "WebSocket", "EventSource", "XMLHttpRequest"] as const;

/**
 * Takes from a plugin what it has no use for, so that mistakes show early and say what to do instead. This is no boundary: code that wants
 * out finds a way in the same process. What holds is the process around it.
 */
export function narrow(): void {
  const core = import.meta.resolve("@tutti/core");
  registerHooks({
    resolve(specifier, context, next) {
      const name = specifier.replace(/^node:/, "");
      if (REFUSED.has(name) && (specifier.startsWith("node:") || builtinModules.includes(name))) throw refused(specifier);
      // Plugins stand outside of Tutti's own folders, and find its contracts all the same.
      if (specifier === "@tutti/core" && context.parentURL !== undefined) return { url: core, shortCircuit: true };
      return next(specifier, context);
    },
  });
  const original = process.getBuiltinModule.bind(process);
  const guarded = (id: string): unknown => {
    if (REFUSED.has(id.replace(/^node:/, ""))) throw refused(id);
    return original(id as never);
  };
  Object.defineProperty(process, "getBuiltinModule", { value: guarded, configurable: false, writable: false });
  for (const name of GLOBALS) Reflect.deleteProperty(globalThis, name);
}

function refused(module: string): AppError {
  return new AppError(
    "denied",
    `wanted a module that a plugin may use, got ${module}; ask for \`permissions.network\` and use host.fetch, or host.storage and host.call`,
  );
}
