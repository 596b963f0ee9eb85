import type { Command } from "commander";
import { connect } from "../connect.ts";
import type { Shell } from "../shell.ts";
import { table } from "../table.ts";
import { printable } from "../terminal-text.ts";

const KIBIBYTE = 1024;

/** `tutti cache …` */
export function defineCache(command: Command, shell: Shell): void {
  command
    .command("show", { isDefault: true })
    .description("show what is kept of models' answers, and how often it helped")
    .addHelpText("after", "\nExamples:\n  tutti cache\n  tutti cache show --json")
    .action(() => show(shell));
  command
    .command("clear")
    .description("throw kept answers away")
    .option("--tenant <name>", "only this tenant's")
    .addHelpText("after", "\nExamples:\n  tutti cache clear\n  tutti cache clear --tenant acme")
    .action(({ tenant }: { readonly tenant?: string }) => clear(shell, tenant));
}

async function show(shell: Shell): Promise<void> {
  await using connection = await connect(shell);
  const report = await connection.client.cache(shell.signal);
  shell.printJson(report);
  if (!report.isOn) return shell.print("No answers are kept. Write `cache: {}` into tutti.yaml; see docs/caching.md.");
  const { entries, bytes, bytesMax, hitsExact, hitsSemantic, misses, evicted } = report;
  const asked = hitsExact + hitsSemantic + misses;
  const share = asked === 0 ? "-" : `${Math.round(((hitsExact + hitsSemantic) / asked) * 100)} %`;
  shell.print(
    `${entries} answers, ${kibibytes(bytes)} of ${kibibytes(bytesMax)}; ${evicted} pushed out`,
    `${share} of ${asked} questions answered: ${hitsExact} the same, ${hitsSemantic} alike`,
  );
  if (report.tenants.length === 0) return;
  const rows = report.tenants.map(({ tenant, entries: count, bytes: size }) => [
    { text: printable(tenant) },
    { text: String(count) },
    { text: kibibytes(size) },
  ]);
  shell.print(...table(["TENANT", "ANSWERS", "SIZE"], rows, shell.out));
}

async function clear(shell: Shell, tenant: string | undefined): Promise<void> {
  await using connection = await connect(shell);
  const cleared = await connection.client.clearCache(tenant, shell.signal);
  shell.printJson({ cleared });
  shell.print(`${cleared} answers thrown away.`);
}

function kibibytes(bytes: number): string {
  return `${Math.ceil(bytes / KIBIBYTE)} KiB`;
}
