import type { RoutingExplained } from "@tutti/client";
import type { Command } from "commander";
import { connect } from "../connect.ts";
import { failWithFaults } from "../faults.ts";
import { type Shell, UsageError } from "../shell.ts";
import { table } from "../table.ts";
import { printable } from "../terminal-text.ts";

const SHADOW_LIMIT = 1_000;

/** `tutti route …` */
export function defineRoute(command: Command, shell: Shell): void {
  command
    .argument("[text...]", "the text to route")
    .option("--policy <file>", "explain by this policy instead of the one in force")
    .addHelpText(
      "after",
      `\nExamples:\n  tutti route "what is 12*7?"\n  tutti route "what is 12*7?" --policy new_policy.yaml --json\n  tutti route check router_policy.yaml\n  tutti route shadow`,
    )
    .action((words: readonly string[], { policy }: { readonly policy?: string }) => explain(shell, words.join(" "), policy));
  command
    .command("check <file>")
    .description("check a router policy, without a server")
    .addHelpText("after", "\nExamples:\n  tutti route check router_policy.yaml")
    .action((file: string) => check(shell, file));
  command
    .command("shadow")
    .description("what the shadow policy would have done with the newest texts")
    .option("--limit <count>", "how many texts", String(SHADOW_LIMIT))
    .addHelpText("after", "\nExamples:\n  tutti route shadow --limit 100")
    .action(({ limit }: { readonly limit: string }) => shadow(shell, limit));
}

async function explain(shell: Shell, text: string, file: string | undefined): Promise<void> {
  if (text.trim() === "") throw new UsageError('wanted a text to route, got none; tutti route "what is 12*7?"');
  const policy = file === undefined ? undefined : await readPolicy(file);
  await using connection = await connect(shell);
  const explained = await connection.client.explainRoute(text, policy, shell.signal);
  shell.printJson(explained);
  shell.print(...explanation(explained));
  const { candidates } = explained.decision;
  if (candidates.length === 0) return;
  const rows = candidates.map(({ rule, target, confidence }) => [
    { text: printable(rule) },
    { text: printable(`${target.type} ${target.name}`) },
    { text: confidence.toFixed(2) },
  ]);
  shell.print("", ...table(["RULE", "TARGET", "CONFIDENCE"], rows, shell.out));
}

function explanation({ decision, problem }: RoutingExplained): readonly string[] {
  const { tier, target, rule, input, reason, confidence, gap, policyHash } = decision;
  const to = target === undefined ? "nobody" : printable(`${target.type} ${target.name}`);
  const by = rule === undefined ? `tier ${tier}` : printable(`tier ${tier}, rule ${rule}`);
  return [
    `${to} (${by}; confidence ${confidence}, gap ${gap})`,
    printable(reason),
    ...(input === undefined ? [] : [printable(`input ${JSON.stringify(input)}`)]),
    `policy ${policyHash.slice(0, 12)}`,
    ...(problem === undefined ? [] : [printable(`The file is wrong now, and an earlier state of it holds: ${problem}`)]),
  ];
}

async function readPolicy(file: string): Promise<string> {
  const { readFile } = await import("node:fs/promises");
  return readFile(file, "utf8").catch((error: unknown) => {
    throw new UsageError(`the policy ${file} cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  });
}

async function check(shell: Shell, file: string): Promise<void> {
  const { checkRouterPolicy } = await import("../../host/index.ts");
  const reading = checkRouterPolicy(await readPolicy(file), file);
  if (!reading.ok) {
    shell.printJson({ ok: false, problems: reading.problems });
    return failWithFaults(shell, reading.problems);
  }
  const { rules, hash, thresholds } = reading.policy;
  const examples = rules.reduce((sum, rule) => sum + (rule.examples?.length ?? 0), 0);
  shell.printJson({ ok: true, rules: rules.length, examples, thresholds, hash, problems: [] });
  shell.print(
    `${rules.length} rules, ${examples} examples, confidence ${thresholds.confidence}, gap ${thresholds.gap}; policy ${hash.slice(0, 12)}`,
  );
}

async function shadow(shell: Shell, limit: string): Promise<void> {
  await using connection = await connect(shell);
  const report = await connection.client.routingShadow(limit, shell.signal);
  shell.printJson(report);
  const { runs, compared, agreed, different } = report;
  if (compared === 0)
    return shell.print(
      `${runs} texts were routed, none beside a shadow policy. Name one in routerPolicyShadowPath; see docs/routing-policy.md.`,
    );
  shell.print(`${agreed} of ${compared} texts would have gone the same way.`);
  if (different.length === 0) return;
  const rows = different.map(({ runId, is, would }) => [
    { text: runId },
    { text: printable(`${is.tier} ${is.target?.name ?? "-"}`) },
    { text: printable(would.error ?? `${would.tier ?? "-"} ${would.target?.name ?? "-"}`) },
  ]);
  shell.print(...table(["RUN", "IS", "WOULD BE"], rows, shell.out));
}
