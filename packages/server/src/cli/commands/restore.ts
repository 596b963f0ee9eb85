import { readdir } from "node:fs/promises";
import { resolve } from "node:path";
import { AppError } from "@tutti/core";
import type { Command } from "commander";
import { sign } from "../look.ts";
import type { Shell } from "../shell.ts";
import { piece } from "../terminal.ts";
import { printable } from "../terminal-text.ts";

/** `tutti restore` */
export function defineRestore(command: Command, shell: Shell): void {
  command
    .argument("<source>", "a folder that `tutti backup` made")
    .option("--force", "also when the data folder holds something, which is kept aside")
    .addHelpText(
      "after",
      "\nExamples:\n  tutti restore backups/today --data-dir /var/lib/tutti-new\n  tutti restore backups/today --force\n\nTutti must not run meanwhile. Nothing is replaced before the backup is found whole.\nWith store: postgres the backup, or the data folder of an embedded Tutti, is copied into the database, which must be empty.",
    )
    .action((source: string, options: { readonly force?: boolean }) => restore(shell, resolve(source), options.force === true));
}

async function restore(shell: Shell, source: string, isForced: boolean): Promise<void> {
  const { config } = await shell.readConfigWithoutSecrets();
  const { restore: putBack } = await import("../../host/index.ts");
  const { dataDir } = config;
  const entries = await readdir(dataDir).catch(() => []);
  if (config.store === "sqlite" && entries.length > 0 && !isForced)
    throw new AppError(
      "conflict",
      `wanted an empty data folder, got ${dataDir}, which holds something; --force puts the backup in its place and keeps it aside, --data-dir names another`,
    );
  shell.progress(`checking ${source} and copying it`);
  const replaced = await putBack(config, source);
  const target = config.store === "sqlite" ? dataDir : "the database of postgresUrl";
  shell.printJson({ source, ...(config.store === "sqlite" && { dataDir }), replaced: replaced ?? null });
  shell.printLine(piece(`${sign("done", shell.out)} `, "green"), piece(printable(`${target} holds what ${source} held`)));
  if (replaced !== undefined) shell.printLine(piece(printable(`  what was there before is in ${replaced}`), "dim"));
}
