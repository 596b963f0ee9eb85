import assert from "node:assert/strict";
import type { ModelManagement, OpenProvider } from "../provider-kind.ts";
import { llamaCpp } from "./llama-cpp.ts";

/** A provider of GGUF files with everything that this kind has. */
export type OpenLlama = Required<Pick<OpenProvider, "generate" | "embed" | "discover" | "close">> & {
  readonly management: ModelManagement;
};

/** Opens the real one for tests. With one thread for each model: more would wait for each other on a busy machine. */
export function openLlama(
  options: Readonly<Record<string, string | number | boolean>>,
  log: (message: string) => void = () => {},
): OpenLlama {
  const open = llamaCpp.open({
    provider: { name: "gguf", kind: "llama-cpp", models: [], options: { threads: 1, gpu: false, ...options } },
    get upstream(): never {
      throw new Error("a local model has no upstream");
    },
    log,
  });
  const { management } = open;
  assert.ok(management);
  return {
    generate: (...asked) => open.generate?.(...asked) ?? assert.fail(),
    embed: (...asked) => open.embed?.(...asked) ?? assert.fail(),
    discover: (signal) => open.discover?.(signal) ?? assert.fail(),
    close: () => open.close?.() ?? assert.fail(),
    management,
  };
}
