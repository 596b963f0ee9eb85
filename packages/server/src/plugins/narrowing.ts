import { isBuiltin, registerHooks } from "node:module";
import { AppError } from "@tutti/core";

/** Modules of Node that a plugin may use; all others, also those that begin with "_", lead past the host. */
const ALLOWED = new Set([
  "assert",
  "assert/strict",
  "async_hooks",
  "buffer",
  "console",
  "constants",
  "crypto",
  "diagnostics_channel",
  "events",
  "fs",
  "fs/promises",
  "os",
  "path",
  "path/posix",
  "path/win32",
  "perf_hooks",
  "punycode",
  "querystring",
  "readline",
  "readline/promises",
  "stream",
  "stream/consumers",
  "stream/promises",
  "stream/web",
  "string_decoder",
  "timers",
  "timers/promises",
  "url",
  "util",
  "util/types",
  "zlib",
]);
/** What of `process` reaches other processes, or Node's inside. */
const PROCESS_PARTS = ["kill", "_kill", "_debugProcess", "_debugEnd", "binding", "_linkedBinding", "dlopen", "execve"] as const;
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
      if (isBuiltin(specifier) && !isAllowed(specifier)) throw refused(specifier);
      // Plugins stand outside of Tutti's own folders, and find its contracts all the same.
      if (specifier === "@tutti/core" && context.parentURL !== undefined) return { url: core, shortCircuit: true };
      return next(specifier, context);
    },
  });
  const original = process.getBuiltinModule.bind(process);
  const guarded = (id: string): unknown => {
    if (!isAllowed(id)) throw refused(id);
    return original(id as never);
  };
  Object.defineProperty(process, "getBuiltinModule", { value: guarded, configurable: false, writable: false });
  for (const name of PROCESS_PARTS) {
    const value = (): never => {
      throw refused(`process.${name}`);
    };
    Object.defineProperty(process, name, { value, configurable: false, writable: false });
  }
  for (const name of GLOBALS) Reflect.deleteProperty(globalThis, name);
}

function isAllowed(specifier: string): boolean {
  // "process" gives the same object as the global.
  const name = specifier.replace(/^node:/, "");
  return name === "process" || ALLOWED.has(name);
}

function refused(part: string): AppError {
  return new AppError(
    "denied",
    `wanted a part of Node that a plugin may use, got ${part}; ask for \`permissions.network\` and use host.fetch, or host.storage and host.call`,
  );
}
