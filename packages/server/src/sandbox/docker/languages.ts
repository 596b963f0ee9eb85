import { AppError } from "@tutti/core";
import type { SandboxLanguage } from "@tutti/core/sandbox";
import { readProgram } from "../shared/program.ts";
import type { ContainerSpec } from "./container.ts";
import type { Engine } from "./engine.ts";
import { OpenContainer } from "./open-container.ts";

/** Says which languages an image has, a word a line; Node takes TypeScript as it is since it strips types. */
const LOOK = `
command -v python3 >/dev/null && echo python python3
command -v node >/dev/null && echo javascript node
command -v node >/dev/null && [ "$(node -p process.features.typescript)" = strip ] && echo typescript node
echo shell sh
`;
const LANGUAGES: readonly SandboxLanguage[] = ["python", "javascript", "typescript", "shell"];

/** The command for each language that the image has, found by running a program in it. Throws `unsupported` when none runs. */
export async function findCommands(
  engine: Engine,
  spec: Omit<ContainerSpec, "command">,
  signal: AbortSignal,
): Promise<ReadonlyMap<SandboxLanguage, string>> {
  const container = await OpenContainer.start(engine, { ...spec, command: "sh" }, signal);
  try {
    const { stdout, stderr } = await container.run(readProgram({ language: "shell", code: LOOK }, spec.limits), signal);
    const commands = new Map<SandboxLanguage, string>();
    for (const line of stdout.text().split("\n")) {
      const [name, command] = line.split(" ");
      const language = LANGUAGES.find((one) => one === name);
      if (language !== undefined && command !== undefined) commands.set(language, command);
    }
    if (commands.size > 0) return commands;
    throw new AppError("unsupported", `wanted a shell in the image ${spec.image}, got: ${stderr.text().slice(0, 300)}; take another image`);
  } finally {
    await container.remove();
  }
}
