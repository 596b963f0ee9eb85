import { InvalidArgumentError, type Command } from "commander";
import { connect } from "../connect.ts";
import { table } from "../table.ts";
import { diffReport } from "../insight/diff-report.ts";
import { runInsightReport } from "../insight/run-insight-report.ts";
import { waitingReport } from "../insight/waiting-report.ts";
import { workflowInsightReport } from "../insight/workflow-insight-report.ts";
import { EXIT, type Shell } from "../shell.ts";

const RUNS = 100;
const RUNS_MAX = 500;

/** `tutti runs insight`, `tutti runs why` and `tutti runs diff` */
export function defineRunInsight(command: Command, shell: Shell): void {
  command
    .command("insight <run>")
    .description("show where a run's time went: critical path, slack, waits and what retries cost")
    .addHelpText("after", "\nExamples:\n  tutti runs insight RUN\n  tutti runs insight RUN --json | jq .insight.totals")
    .action((run: string) => insight(shell, run));
  command
    .command("why <run>")
    .description("say what an unfinished run waits for")
    .addHelpText("after", "\nExamples:\n  tutti runs why RUN\n  tutti runs why RUN --json")
    .action((run: string) => why(shell, run));
  command
    .command("diff <a> <b>")
    .description("compare two runs step by step")
    .addHelpText("after", "\nExamples:\n  tutti runs diff RUN OTHER\n\nThe exit code is 1 when they differ in more than time.")
    .action((a: string, b: string) => diff(shell, a, b));
}

/** `tutti workflows insight` */
export function defineWorkflows(command: Command, shell: Shell): void {
  command
    .command("list", { isDefault: true })
    .description("list the workflows that can be started")
    .addHelpText("after", "\nExamples:\n  tutti workflows\n  tutti workflows list --json")
    .action(() => listWorkflows(shell));
  command
    .command("insight <workflow>")
    .description("show what makes a workflow slow and what would help, from its newest runs")
    .option("--runs <count>", `read at most so many, 1 to ${RUNS_MAX}`, readRuns, RUNS)
    .option("--faster <step:factor>", "estimate what it would save to make a step so many times faster")
    .addHelpText(
      "after",
      "\nExamples:\n  tutti workflows insight triage-inbox\n  tutti workflows insight triage-inbox --faster classify:4 --runs 500",
    )
    .action((workflow: string, options: WorkflowOptions) => workflowInsight(shell, workflow, options));
}

async function listWorkflows(shell: Shell): Promise<void> {
  await using connection = await connect(shell);
  const workflows = await connection.client.workflows(shell.signal);
  shell.printJson({ workflows });
  if (workflows.length === 0) return shell.print("No workflows. A plugin brings some; see docs/plugins.md.");
  const rows = workflows.map(({ name, version, description }) => [{ text: name }, { text: version }, { text: description }]);
  shell.print(...table(["WORKFLOW", "VERSION", "WHAT IT DOES"], rows, shell.out));
}

interface WorkflowOptions {
  readonly runs: number;
  readonly faster?: string;
}

async function insight(shell: Shell, runId: string): Promise<void> {
  await using connection = await connect(shell);
  const reply = await connection.client.runInsight(runId, shell.signal);
  shell.printJson(reply);
  shell.print(...runInsightReport(reply.insight, shell.out));
  noteBounds(shell, reply.truncated);
}

async function why(shell: Shell, runId: string): Promise<void> {
  await using connection = await connect(shell);
  const reply = await connection.client.waitingFor(runId, shell.signal);
  shell.printJson(reply);
  shell.print(...waitingReport(reply.waiting));
  if (!connection.isServer && reply.waiting.some(({ type }) => type !== "ended"))
    shell.note("No Tutti runs on this data folder, so nobody runs it now: start `tutti up`.");
  noteBounds(shell, reply.truncated);
}

async function diff(shell: Shell, a: string, b: string): Promise<void> {
  await using connection = await connect(shell);
  const reply = await connection.client.diffRuns(a, b, shell.signal);
  shell.printJson(reply);
  shell.print(...diffReport(reply.diff, shell.out));
  if (!reply.diff.isSame) shell.exitCode = EXIT.failed;
  noteBounds(shell, reply.truncated);
}

async function workflowInsight(shell: Shell, workflow: string, options: WorkflowOptions): Promise<void> {
  await using connection = await connect(shell);
  const reply = await connection.client.workflowInsight(workflow, { ...options }, shell.signal);
  shell.printJson(reply);
  shell.print(...workflowInsightReport(reply.insight, shell.out));
  noteBounds(shell, reply.truncated);
}

/** What was not read is said, so that nobody takes a part for the whole. */
function noteBounds(shell: Shell, truncated: readonly string[]): void {
  for (const bound of truncated) shell.note(`Not all was read: ${bound}.`);
}

function readRuns(text: string): number {
  const runs = Number(text);
  if (!Number.isInteger(runs) || runs < 1 || runs > RUNS_MAX)
    throw new InvalidArgumentError(`Wanted a whole number from 1 to ${RUNS_MAX}.`);
  return runs;
}
