import type { Command } from "commander";
import { EXIT, type Shell } from "../shell.ts";
import { sign } from "../look.ts";
import { table } from "../table.ts";
import { piece } from "../terminal.ts";
import { printable } from "../terminal-text.ts";

/** `tutti config …` */
export function defineConfig(command: Command, shell: Shell): void {
  command
    .command("show", { isDefault: true })
    .description("list every setting, its value, where the value comes from, and the variable that sets it; secrets are masked")
    .addHelpText("after", "\nExamples:\n  tutti config show\n  TUTTI_PORT=9000 tutti config show --json")
    .action(() => show(shell));
  command
    .command("check")
    .description("say whether the configuration is valid, and every problem it has")
    .addHelpText("after", "\nExamples:\n  tutti config check\n  tutti config check --config production.yaml")
    .action(() => check(shell));
}

async function show(shell: Shell): Promise<void> {
  const { describeConfig } = await import("../../host/config/index.ts");
  const reading = await shell.readConfig();
  const settings = describeConfig(reading);
  shell.printJson({ file: reading.file ?? null, settings });
  const rows = settings.map(({ key, value, source, env }) => [
    { text: key },
    { text: value },
    { text: source, style: source === "default" ? ("dim" as const) : ("plain" as const) },
    { text: env },
  ]);
  shell.print(...table(["SETTING", "VALUE", "FROM", "VARIABLE"], rows, shell.out));
}

async function check(shell: Shell): Promise<void> {
  const { unservedTargets } = await import("../../host/index.ts");
  const { file, config } = await shell.readConfig();
  const warnings = unservedTargets(config);
  shell.printJson({ valid: true, file: file ?? null, warnings });
  for (const warning of warnings) shell.printLine(piece("warning: ", "yellow"), piece(printable(warning)));
  shell.printLine(
    piece(`${sign("done", shell.out)} `, "green"),
    piece("the configuration is valid"),
    piece(file === undefined ? "  (no tutti.yaml is read)" : printable(`  (${file})`), "dim"),
  );
  shell.exitCode = EXIT.ok;
}
