import { resolve } from "node:path";
import type { Command } from "commander";
import { sign } from "../look.ts";
import type { Shell } from "../shell.ts";
import { piece } from "../terminal.ts";
import { printable } from "../terminal-text.ts";

/** `tutti backup` */
export function defineBackup(command: Command, shell: Shell): void {
  command
    .argument("<target>", "a folder that does not exist yet")
    .addHelpText(
      "after",
      "\nExamples:\n  tutti backup backups/today\n  tutti backup /mnt/backups/tutti --data-dir /var/lib/tutti\n\nTutti may run meanwhile. Runs kept in PostgreSQL are copied to the same kind of folder. The copy is checked before it gets its name.",
    )
    .action((target: string) => backup(shell, resolve(target)));
}

async function backup(shell: Shell, target: string): Promise<void> {
  const { config } = await shell.readConfigWithoutSecrets();
  const { backUp } = await import("../../host/index.ts");
  const source = config.store === "sqlite" ? config.dataDir : "the database of postgresUrl";
  shell.progress(`copying ${source} and checking the copy`);
  await backUp(config, target);
  shell.printJson({ ...(config.store === "sqlite" && { dataDir: config.dataDir }), target });
  shell.printLine(piece(`${sign("done", shell.out)} `, "green"), piece(printable(`${source} is backed up in ${target}`)));
  shell.printLine(piece(printable(`  bring it back with: tutti restore ${target}`), "dim"));
}
