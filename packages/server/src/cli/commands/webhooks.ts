import type { WebhookEntry } from "@tutti/client";
import type { RunRecord } from "@tutti/core";
import type { Command } from "commander";
import { connect } from "../connect.ts";
import { statusStyle } from "../look.ts";
import type { Shell } from "../shell.ts";
import { table } from "../table.ts";
import { ago, took } from "../time.ts";

const DELIVERIES_SHOWN = 20;
const WORKFLOW = "tutti.webhook";

/** `tutti webhooks …` */
export function defineWebhooks(command: Command, shell: Shell): void {
  command
    .command("list", { isDefault: true })
    .description("list the endpoints of the configuration: what comes in, and what goes out")
    .addHelpText("after", "\nExamples:\n  tutti webhooks list\n  tutti webhooks list --json")
    .action(() => list(shell));
  command
    .command("deliveries")
    .description("list webhooks that went out, newest first; `tutti runs show RUN` tells every attempt")
    .option("--failed", "only those that nobody took")
    .addHelpText("after", "\nExamples:\n  tutti webhooks deliveries\n  tutti webhooks deliveries --failed --json")
    .action((options: { readonly failed?: boolean }) => deliveries(shell, options.failed === true));
  command
    .command("retry <run>")
    .description("send a webhook that waits for its receiver to be well again now")
    .addHelpText("after", "\nExamples:\n  tutti webhooks retry RUN\n  tutti webhooks retry RUN --json")
    .action((run: string) => retry(shell, run));
  command
    .command("secret <url>")
    .description("show what signs webhooks to a URL that no endpoint is configured for")
    .addHelpText("after", "\nExamples:\n  tutti webhooks secret https://crm.example.com/hook\n  tutti webhooks secret URL --json")
    .action((url: string) => secret(shell, url));
}

async function list(shell: Shell): Promise<void> {
  await using connection = await connect(shell);
  const endpoints = await connection.client.webhooks(shell.signal);
  shell.printJson({ endpoints });
  if (endpoints.length === 0) {
    shell.print("No endpoints are configured. docs/events.md shows how; URLs may be subscribed without any: tutti events subscribe --url");
    return;
  }
  const rows = endpoints.map((endpoint) => [
    { text: endpoint.name },
    { text: endpoint.direction },
    { text: endpoint.signature ?? "standard" },
    { text: String(endpoint.secrets) },
    { text: whereOf(endpoint, connection.publicUrl) },
  ]);
  shell.print(...table(["ENDPOINT", "WAY", "SIGNATURE", "SECRETS", "WHERE"], rows, shell.out));
}

/** What to give to the sender, or where it goes. */
function whereOf({ path, url = "" }: WebhookEntry, publicUrl: string): string {
  return path === undefined ? url : `${publicUrl}${path}`;
}

async function deliveries(shell: Shell, onlyFailed: boolean): Promise<void> {
  await using connection = await connect(shell);
  const query = { workflow: WORKFLOW, limit: DELIVERIES_SHOWN, ...(onlyFailed && { statuses: ["failed"] as const }) };
  const { runs } = await connection.client.runs(query, shell.signal);
  shell.printJson({ runs });
  if (runs.length === 0) shell.print(onlyFailed ? "No webhook failed." : "No webhook went out yet.");
  else shell.print(...table(["RUN", "STATUS", "BEGAN", "TOOK"], runs.map(rowOf), shell.out));
}

function rowOf(run: RunRecord): Parameters<typeof table>[1][number] {
  const nowMs = Date.now();
  return [
    { text: run.id },
    { text: run.status, style: statusStyle(run.status) },
    { text: ago(run.startedAt, nowMs) },
    { text: took(run.startedAt, run.endedAt, nowMs) },
  ];
}

async function retry(shell: Shell, runId: string): Promise<void> {
  await using connection = await connect(shell);
  const { run } = await connection.client.signalRun(runId, { name: "retry", value: null }, shell.signal);
  shell.printJson({ run });
  shell.print(`run ${run.id} sends now; \`tutti runs show ${run.id}\` tells what came of it`);
}

async function secret(shell: Shell, url: string): Promise<void> {
  await using connection = await connect(shell);
  const found = await connection.client.webhookSecret(url, shell.signal);
  shell.printJson({ url, secret: found });
  shell.print(found);
}
