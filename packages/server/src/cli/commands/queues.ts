import type { Command } from "commander";
import { connect } from "../connect.ts";
import type { Shell } from "../shell.ts";
import { table } from "../table.ts";

/** `tutti queues` */
export function defineQueues(command: Command, shell: Shell): void {
  command.addHelpText("after", "\nExamples:\n  tutti queues\n  tutti queues --json").action(() => list(shell));
}

async function list(shell: Shell): Promise<void> {
  await using connection = await connect(shell);
  const queues = await connection.client.queues(shell.signal);
  shell.printJson({ queues });
  if (queues.length === 0) return shell.print("No queues. Define some in `queues` of tutti.yaml; see docs/queues.md.");
  const rows = queues.map(({ name, queued, queuedMax, running, concurrency, concurrencyPerKey, ratePerSecond }) => [
    { text: name },
    { text: `${running} of ${concurrency}` },
    { text: `${queued} of ${queuedMax}` },
    { text: concurrencyPerKey === undefined ? "-" : String(concurrencyPerKey) },
    { text: ratePerSecond === undefined ? "-" : `${ratePerSecond}/s` },
  ]);
  shell.print(...table(["QUEUE", "RUNNING", "WAITING", "PER KEY", "RATE"], rows, shell.out));
}
