import type { Json, Plugin, Tool } from "@tutti/core";
import type { SandboxLevel } from "@tutti/core/sandbox";
import { z } from "zod";
import { openSandbox } from "../sandbox/index.ts";

const input = z.strictObject({ code: z.string(), files: z.record(z.string(), z.string()).default({}) });

/** A plugin whose `python_exec` runs programs in the real sandbox of this machine, for tests. */
export function pythonTool(level: SandboxLevel = "soft"): Plugin {
  const tool: Tool = {
    name: "python_exec",
    description: "Runs a Python program in a sandbox without network.",
    effect: "execute",
    isUntrusted: true,
    input: input as unknown as NonNullable<Tool["input"]>,
    parameters: z.toJSONSchema(input, { io: "input" }) as Json,
    async run(given, { signal }) {
      const { code, files } = given as z.output<typeof input>;
      const sandbox = await openSandbox({ backends: "auto", level, warmMax: 0 }, signal);
      try {
        const { files: _, ...result } = await sandbox.run({ language: "python", code, files }, signal);
        return { ...result, sandbox: { backend: sandbox.report.backend, level: sandbox.report.level } } as unknown as Json;
      } finally {
        await sandbox.close();
      }
    },
  };
  return { name: "python", tools: [tool] };
}
