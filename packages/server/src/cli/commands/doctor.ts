import { mkdtemp, readdir, rm } from "node:fs/promises";
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
  const isSound = findings.every(({ name, status }) => name !== "database" || status === "ok");
  for (const finding of isSound ? await plugins(shell, config.dataDir) : []) tell(finding);
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

/** Loads the plugins as `tutti up` would. Where there is no data folder yet, none is made for that. */
async function plugins(shell: Shell, dataDir: string): Promise<readonly Finding[]> {
  await using scratch = new AsyncDisposableStack();
  try {
    const isNew = (await readdir(dataDir).catch(() => [])).length === 0;
    const folder = isNew ? await mkdtemp(join(tmpdir(), "tutti-doctor-")) : dataDir;
    if (isNew) scratch.defer(() => rm(folder, { recursive: true, force: true }));
    const connection = scratch.use(await connect(shell, { dataDir: folder }));
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
