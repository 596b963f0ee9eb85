import { readFileSync } from "node:fs";
import type { Command } from "commander";
import type { Shell } from "../shell.ts";

/** The version of this program. Read here, because the host that knows it too takes longer to load than this command may take. */
export const VERSION = (JSON.parse(readFileSync(new URL("../../../package.json", import.meta.url), "utf8")) as { readonly version: string })
  .version;

/** `tutti version` */
export function defineVersion(command: Command, shell: Shell): void {
  command.addHelpText("after", "\nExamples:\n  tutti version\n  tutti version --json").action(() => {
    shell.print(VERSION);
    shell.printJson({ version: VERSION, node: process.versions.node });
  });
}
