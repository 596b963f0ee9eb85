import { mkdtempDisposable } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AppError } from "@tutti/core";
import type { Command } from "commander";
import { connect } from "../connect.ts";
import type { Finding } from "../doctor.ts";
import { sign } from "../look.ts";
import { EXIT, type Shell } from "../shell.ts";
import { paint, piece, type Style } from "../terminal.ts";
import { printable } from "../terminal-text.ts";

const LOOKS = {
  ok: { mark: "done", style: "green" },
  warn: { mark: "warning", style: "yellow" },
  fail: { mark: "failed", style: "red" },
} as const satisfies Record<Finding["status"], { readonly mark: Parameters<typeof sign>[0]; readonly style: Style }>;

/** `tutti doctor` */
export function defineDoctor(command: Command, shell: Shell): void {
  command
    .option("--host <address>", "the address to listen on")
    .option("--port <port>", "the port to listen on")
    .addHelpText(
      "after",
      "\nExamples:\n  tutti doctor\n  tutti doctor --data-dir /var/lib/tutti --json\n\nThe exit code is 1 when something fails. Nothing is changed.",
    )
    .action((flags: DoctorFlags) => doctor(shell, flags));
}

interface DoctorFlags {
  readonly host?: string;
  readonly port?: string;
}

async function doctor(shell: Shell, flags: DoctorFlags): Promise<void> {
  const { config } = await shell.readConfig({ ...flags });
  const { examine } = await import("../doctor.ts");
  const findings: Finding[] = [];
  const tell = (finding: Finding): void => {
    findings.push(finding);
    const { mark, style } = LOOKS[finding.status];
    // Not cut to the terminal: what to do stands at the end of the line.
    shell.print(`${paint(sign(mark, shell.out), style, shell.out)} ${finding.name.padEnd(12)} ${printable(finding.detail)}`);
  };
  for await (const finding of examine(config, shell.signal)) tell(finding);
  for (const finding of await plugins(shell, config.dataDir)) tell(finding);
  const failed = findings.filter(({ status }) => status === "fail").length;
  shell.printJson({ healthy: failed === 0, findings });
  shell.printLine(
    piece(
      failed === 0 ? "Everything needed is there." : `${failed} ${failed === 1 ? "thing needs" : "things need"} to be put right.`,
      "bold",
    ),
  );
  if (failed > 0) shell.exitCode = EXIT.failed;
}

/** Asks the running server for its plugins, or loads those of the configuration beside an empty data folder, which changes nothing. */
async function plugins(shell: Shell, dataDir: string): Promise<readonly Finding[]> {
  const { findServer } = await import("../../host/index.ts");
  const isRunning = (await findServer(dataDir)) !== undefined;
  await using scratch = await mkdtempDisposable(join(tmpdir(), "tutti-doctor-"));
  try {
    await using connection = await connect(shell, isRunning ? { dataDir } : { dataDir: scratch.path, store: "sqlite", engine: "embedded" });
    const { plugins: loaded, failures } = await connection.client.plugins(shell.signal);
    const broken = failures.map(({ plugin, message }): Finding => ({ name: "plugins", status: "fail", detail: `${plugin}: ${message}` }));
    return [
      { name: "plugins", status: "ok", detail: `${loaded.length} loaded: ${loaded.map(({ name }) => name).join(", ") || "none"}` },
      ...broken,
    ];
  } catch (thrown) {
    return [{ name: "plugins", status: "fail", detail: AppError.from(thrown).message }];
  }
}
