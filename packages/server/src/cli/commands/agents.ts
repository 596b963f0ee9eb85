import type { Command } from "commander";
import { connect } from "../connect.ts";
import type { Shell } from "../shell.ts";
import { table } from "../table.ts";

/** `tutti agents` */
export function defineAgents(command: Command, shell: Shell): void {
  command.addHelpText("after", "\nExamples:\n  tutti agents\n  tutti agents --json").action(() => list(shell));
}

async function list(shell: Shell): Promise<void> {
  await using connection = await connect(shell);
  const agents = await connection.client.agents(shell.signal);
  shell.printJson({ agents });
  if (agents.length === 0) return shell.print("No agents. Name a plugin that brings some in TUTTI_PLUGINS, for example holly.");
  const rows = agents.map(({ name, model, tools, description }) => [
    { text: name },
    { text: model },
    { text: tools.join(", ") },
    { text: description },
  ]);
  shell.print(...table(["AGENT", "MODEL", "TOOLS", "DESCRIPTION"], rows, shell.out));
}
