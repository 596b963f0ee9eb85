import type { DecisionChangeEntry, ExplainRequest, PolicyReplayReply } from "@tutti/client";
import type { Json } from "@tutti/core";
import type { Command } from "commander";
import { connect } from "../connect.ts";
import { printFaults } from "../faults.ts";
import { sign } from "../look.ts";
import { momentOf, readPolicyArgument, sinceOf } from "../policy/policy-file.ts";
import { EFFECT_STYLES, printChanges, printExplanation, printRules, printTotals } from "../policy/report.ts";
import { EXIT, readJsonArgument, UsageError, type Shell } from "../shell.ts";
import { piece } from "../terminal.ts";
import { printable } from "../terminal-text.ts";

/** `tutti policy …` */
export function definePolicy(command: Command, shell: Shell): void {
  command
    .command("show", { isDefault: true })
    .description("how the tool policy stands: its file, its rules and their lines, what is wrong")
    .addHelpText("after", "\nExamples:\n  tutti policy\n  tutti policy show --json")
    .action(() => show(shell));
  command
    .command("check [path]")
    .description("say everything that is wrong with a policy, each with its place; nothing is put in force")
    .addHelpText(
      "after",
      "\nExamples:\n  tutti policy check tool_policy.yaml\n  tutti policy check policies/ --json\n\nThe exit code is 1 when there is anything.",
    )
    .action((path?: string) => check(shell, path));
  defineExplain(command, shell);
  command
    .command("diff <old> <new>")
    .description("which rules differ between two policies, and which recorded calls")
    .option("--since <time>", "how far to look back: 7d, 36h, or a moment", "7d")
    .addHelpText(
      "after",
      "\nExamples:\n  tutti policy diff tool_policy.yaml stricter.yaml\n  tutti policy diff old/ new/ --since 30d --json",
    )
    .action((old: string, next: string, { since }: { readonly since: string }) => diff(shell, { old, next, since }));
  command
    .command("replay <path>")
    .description("what recorded calls would have got under a policy")
    .option("--since <time>", "how far to look back: 7d, 36h, or a moment", "7d")
    .addHelpText(
      "after",
      "\nExamples:\n  tutti policy replay stricter.yaml\n  tutti policy replay stricter.yaml --since 30d --json\n\nNothing is called and nothing is written.",
    )
    .action((path: string, { since }: { readonly since: string }) => replay(shell, path, since));
  command
    .command("shadow")
    .description("where the policy in shadowPolicyPath would have decided otherwise")
    .option("--since <time>", "how far to look back: 7d, 36h, or a moment", "7d")
    .addHelpText("after", "\nExamples:\n  tutti policy shadow\n  tutti policy shadow --since 1h --json")
    .action(({ since }: { readonly since: string }) => shadow(shell, since));
  command
    .command("reload")
    .description("read the policy's files again now instead of in a moment")
    .addHelpText("after", "\nExamples:\n  tutti policy reload")
    .action(() => reload(shell));
}

interface ExplainOptions {
  readonly action?: string;
  readonly tool?: string;
  readonly kind?: string;
  readonly resource?: string;
  readonly input?: string;
  readonly as?: string;
  readonly tenant: string;
  readonly role: readonly string[];
  readonly at?: string;
  readonly effect?: string;
  readonly source?: string;
  readonly workflow: string;
  readonly calls: readonly string[];
  readonly tainted: readonly string[];
  readonly tokens: string;
  readonly cost: string;
  readonly file?: string;
}

function defineExplain(command: Command, shell: Shell): void {
  const collect = (value: string, before: readonly string[]): readonly string[] => [...before, value];
  command
    .command("explain [run] [step]")
    .description("why something was or would be decided: which rules spoke, which decided, why others did not")
    .option("--tool <name>", "a call of this tool")
    .option("--input <json>", "its input: JSON, @file, or - for stdin")
    .option("--action <json>", "the whole action: JSON, @file, or - for stdin")
    .option("--kind <kind>", "another kind of action, such as run.start, on --resource")
    .option("--resource <name>", "what it is done to")
    .option("--as <id>", "who asks; you, unless given")
    .option("--tenant <name>", "of which tenant", "default")
    .option("--role <name>", "with which role; may be given again", collect, [])
    .option("--at <moment>", "when, in ISO 8601; now, unless given")
    .option("--effect <effect>", "what the tool says it does: read, write or execute; as it says, unless given")
    .option("--source <source>", "who brought the tool, such as mcp:files; as it is, unless given")
    .option("--workflow <name>", "in a run of this workflow", "tutti.tool-call")
    .option("--calls <tool=count>", "that has made so many calls; may be given again", collect, [])
    .option("--tainted <tool>", "that has read what this tool brought from outside; may be given again", collect, [])
    .option("--tokens <count>", "that has used so many tokens", "0")
    .option("--cost <usd>", "that has cost so many dollars", "0")
    .option("--file <path>", "by this policy instead of the one in force")
    .addHelpText(
      "after",
      `\nExamples:\n  tutti policy explain --tool pay --input '{"amount": 120}' --as alice --role office\n  tutti policy explain RUN 3\n  tutti policy explain --tool http_request --input @call.json --tainted web_fetch --file stricter.yaml\n\nThe exit code is 0 whatever is decided.`,
    )
    .action((run: string | undefined, step: string | undefined, options: ExplainOptions) => explain(shell, { run, step, options }));
}

async function show(shell: Shell): Promise<void> {
  await using connection = await connect(shell);
  const status = await connection.client.policy(shell.signal);
  const rules = await connection.client.policyRules(shell.signal);
  shell.printJson({ ...status, rules });
  if (status.status === "none")
    return shell.print(
      "No tool policy: the safe tools and those in toolsAllow may be called, nothing else.",
      printable(`Write one in ${status.path ?? "tool_policy.yaml"}; see docs/policy.md.`),
    );
  const isRight = status.status === "in-force";
  const kept = status.hash === null ? "nothing is allowed until it is right" : "the one before it stays in force";
  shell.printLine(
    piece(`${sign(isRight ? "done" : "failed", shell.out)} `, isRight ? "green" : "red"),
    piece(printable(isRight ? `${status.path}: ${status.ruleCount} rules in force` : `${status.path} is not right; ${kept}`)),
  );
  shell.printLine(piece(`  policy hash ${status.policyHash}`, "dim"));
  printRules(shell, rules);
  printFaults(shell, status.problems ?? [], "red");
  printFaults(shell, status.warnings ?? [], "yellow");
  if (!isRight) shell.exitCode = EXIT.failed;
}

async function check(shell: Shell, path: string | undefined): Promise<void> {
  if (path === undefined) return show(shell);
  const files = await readPolicyArgument(path);
  await using connection = await connect(shell);
  const reply = await connection.client.checkPolicy(files, shell.signal);
  shell.printJson(reply);
  printFaults(shell, reply.warnings, "yellow");
  if (reply.ok) {
    shell.printLine(
      piece(`${sign("done", shell.out)} `, "green"),
      piece(printable(`${path} is right: ${reply.rules} rules, hash ${reply.hash}`)),
    );
    return;
  }
  shell.exitCode = EXIT.failed;
  printFaults(shell, reply.problems, "red");
  const { length } = reply.problems;
  shell.printLine(piece(`${sign("failed", shell.out)} `, "red"), piece(`${length} ${length === 1 ? "problem" : "problems"}`));
}

async function explain(
  shell: Shell,
  asked: { readonly run: string | undefined; readonly step: string | undefined; readonly options: ExplainOptions },
): Promise<void> {
  const { run, step, options } = asked;
  const files = options.file === undefined ? {} : { files: await readPolicyArgument(options.file) };
  const what: ExplainRequest =
    run === undefined ? { action: await actionOf(options) } : { run: { runId: run, ...(step !== undefined && { key: step }) } };
  await using connection = await connect(shell);
  const explanation = await connection.client.explainPolicy({ ...what, ...files }, shell.signal);
  shell.printJson(explanation);
  printExplanation(shell, explanation);
}

type Asked = NonNullable<ExplainRequest["action"]>;

async function actionOf(options: ExplainOptions): Promise<Asked> {
  if (options.action !== undefined) return (await readJsonArgument(options.action, "--action")) as Asked;
  const resource = options.tool ?? options.resource;
  if (resource === undefined) throw new UsageError("wanted a run, --tool, --action, or --kind with --resource, got none of them");
  const input = options.input === undefined ? {} : { input: (await readJsonArgument(options.input, "--input")) as Json };
  const { as, tenant, role } = options;
  const principal = as === undefined && role.length === 0 ? {} : { principal: { id: as ?? "you", tenant, roles: role } };
  const kind = (options.tool === undefined ? (options.kind ?? "run.start") : "tool.call") as Asked["kind"];
  return { kind, resource, ...input, ...principal, facts: factsOf(options) };
}

function factsOf({ at, effect, source, workflow, calls, tainted, tokens, cost }: ExplainOptions): Json {
  const counts = calls.map((text): [string, number] => {
    const [, tool = "", count = ""] = /^(.+)=(\d+)$/.exec(text) ?? [];
    if (tool === "") throw new UsageError(`--calls must be like send_mail=3, got ${text}`);
    return [tool, Number(count)];
  });
  return {
    at: at === undefined ? new Date().toISOString() : momentOf(at),
    ...(effect !== undefined && { tool: { effect, source: source ?? "built-in" } }),
    run: { workflow, calls: Object.fromEntries(counts), tainted, tokens: Number(tokens), costUsd: Number(cost) },
  };
}

async function diff(
  shell: Shell,
  { old, next, since }: { readonly old: string; readonly next: string; readonly since: string },
): Promise<void> {
  const [against, files] = await Promise.all([readPolicyArgument(old), readPolicyArgument(next)]);
  const reply = await allPages(shell, sinceOf(since), (range, client) => client.replayPolicy({ files, against, ...range }, shell.signal));
  const { added = [], removed = [], changed = [], same = 0 } = reply.rules ?? {};
  shell.printLine(piece(`${added.length} rules added, ${removed.length} removed, ${changed.length} changed, ${same} the same`, "bold"));
  for (const rule of removed) printDifference(shell, "-", rule);
  for (const rule of added) printDifference(shell, "+", rule);
  for (const { to, keys } of changed) printDifference(shell, "~", { ...to, reason: `${keys.join(", ")} changed` });
  shell.print("");
  printChanges(shell, reply.changes);
  printTotals(shell, reply);
}

function printDifference(
  shell: Shell,
  mark: string,
  { id, effect, reason }: { readonly id: string; readonly effect: "allow" | "ask" | "deny"; readonly reason: string },
): void {
  shell.printLine(piece(`  ${mark} `), piece(effect.padEnd(6), EFFECT_STYLES[effect]), piece(printable(`${id}: ${reason}`)));
}

async function replay(shell: Shell, path: string, since: string): Promise<void> {
  const files = await readPolicyArgument(path);
  const reply = await allPages(shell, sinceOf(since), (range, client) => client.replayPolicy({ files, ...range }, shell.signal));
  printChanges(shell, reply.changes);
  printTotals(shell, reply);
}

async function shadow(shell: Shell, since: string): Promise<void> {
  const reply = await allPages(shell, sinceOf(since), (range, client) => client.shadowPolicy(range, shell.signal));
  printChanges(shell, reply.changes);
  printTotals(shell, reply);
  const { shadow: standing } = reply;
  if (standing === null) return shell.print("No policy stands in the shadow now; name one in shadowPolicyPath of tutti.yaml.");
  printFaults(shell, standing.problems ?? [], "red");
  if (standing.counts === null) return;
  const { since: from, decided, differed } = standing.counts;
  shell.printLine(
    piece(printable(`${standing.path}: ${differed} of ${decided} decisions differ since ${from.slice(0, 16).replace("T", " ")}`), "dim"),
  );
}

async function reload(shell: Shell): Promise<void> {
  await using connection = await connect(shell);
  await connection.client.reloadPolicy(shell.signal);
  await show(shell);
}

/** Changes that are kept for the one document or table at the end; all are counted. */
const CHANGES_KEPT_MAX = 1_000;

/** Reads the log page by page to its end, and adds the pages up. */
async function allPages<T extends PolicyReplayReply>(
  shell: Shell,
  since: string,
  read: (
    range: { readonly since: string; readonly afterPosition?: number },
    client: Awaited<ReturnType<typeof connect>>["client"],
  ) => Promise<T>,
): Promise<T> {
  await using connection = await connect(shell);
  let all: T | undefined;
  for (let afterPosition: number | null | undefined; afterPosition !== null;) {
    const page: T = await read({ since, ...(afterPosition !== undefined && { afterPosition }) }, connection.client);
    all = all === undefined ? page : { ...all, ...sumOf(all, page) };
    shell.progress(`${all.decided} decisions, ${all.changed} differ`);
    afterPosition = page.nextPosition;
  }
  if (all === undefined) throw new UsageError("wanted a log to read, got none");
  shell.clearProgress();
  shell.printJson(all);
  return all;
}

function sumOf(
  all: PolicyReplayReply,
  page: PolicyReplayReply,
): Pick<PolicyReplayReply, "decided" | "changed" | "withoutFacts" | "byChange" | "byRule" | "changes" | "nextPosition"> {
  const changes: readonly DecisionChangeEntry[] = [...all.changes, ...page.changes].slice(0, CHANGES_KEPT_MAX);
  return {
    decided: all.decided + page.decided,
    changed: all.changed + page.changed,
    withoutFacts: all.withoutFacts + page.withoutFacts,
    byChange: added(all.byChange, page.byChange),
    byRule: added(all.byRule, page.byRule),
    changes,
    nextPosition: page.nextPosition,
  };
}

function added(counts: Readonly<Record<string, number>>, more: Readonly<Record<string, number>>): Readonly<Record<string, number>> {
  const sums = Object.entries(more).map(([name, count]) => [name, (counts[name] ?? 0) + count]);
  return { ...counts, ...Object.fromEntries(sums) };
}
