import { basename } from "node:path";
import type { DecisionChangeEntry, PolicyExplanation, PolicyReplayReply, PolicyRuleEntry, RuleSayingEntry } from "@tutti/client";
import { sign } from "../look.ts";
import type { Shell } from "../shell.ts";
import { table } from "../table.ts";
import { piece, type Style } from "../terminal.ts";
import { printable } from "../terminal-text.ts";

/** The colour of an effect, the same wherever one stands. */
export const EFFECT_STYLES: Readonly<Record<"allow" | "ask" | "deny", Style>> = { allow: "green", ask: "yellow", deny: "red" };

/** Silent rules that are shown. */
const NEAR_SHOWN = 5;
/** Rules in force that are shown; `--json` has all. */
const RULES_SHOWN = 100;

/** The rules in force, each with its place, for people. */
export function printRules(shell: Shell, rules: readonly PolicyRuleEntry[]): void {
  const rows = rules
    .slice(0, RULES_SHOWN)
    .map(({ effect, id, name, line, reason }) => [
      { text: effect, style: EFFECT_STYLES[effect] },
      { text: id },
      { text: `${basename(name)}:${line}` },
      { text: reason },
    ]);
  if (rows.length > 0) shell.print(...table(["SAYS", "RULE", "WHERE", "WHY"], rows, shell.out));
  if (rules.length > rows.length) shell.note(`${rules.length - rows.length} more; \`tutti policy show --json\` has all`);
}

/** Why something was decided, for people. */
export function printExplanation(shell: Shell, { action, decision, opinions, rules, recorded, policyHash }: PolicyExplanation): void {
  const what = `${action.kind} on "${action.resource}" by ${action.principal.id}`;
  shell.printLine(piece(printable(what), "bold"));
  printDecision(shell, recorded === undefined ? "decided" : "now", decision);
  if (recorded !== undefined) {
    printDecision(shell, "then", recorded.decision);
    if (recorded.policyHash !== policyHash) shell.printLine(piece("        by other policies than those in force now", "dim"));
  }
  const others = opinions.filter(({ rule }) => !rules.speaking.some(({ id }) => id === rule));
  if (others.length + rules.speaking.length > 0) shell.print("", "Rules that speak:");
  for (const { effect, rule, reason } of others) printRule(shell, { effect, id: rule, reason });
  for (const rule of rules.speaking) printSaying(shell, rule);
  if (rules.near.length > 0) shell.print("", `Rules that are silent (${rules.silent}), the nearest first:`);
  for (const rule of rules.near.slice(0, NEAR_SHOWN)) printSaying(shell, rule);
}

type Told = PolicyExplanation["decision"];

function printDecision(shell: Shell, when: string, { effect, rule, reason, approval }: Told): void {
  shell.printLine(piece(`  ${when.padEnd(8)}`, "dim"), piece(effect, EFFECT_STYLES[effect]), piece(printable(`  ${rule}: ${reason}`)));
  if (approval?.approvers !== undefined) shell.printLine(piece(printable(`          approvers: ${approval.approvers.join(", ")}`), "dim"));
}

function printRule(
  shell: Shell,
  { effect, id, reason }: { readonly effect: Told["effect"]; readonly id: string; readonly reason: string },
): void {
  shell.printLine(piece("  "), piece(effect.padEnd(6), EFFECT_STYLES[effect]), piece(printable(`${id}: ${reason}`)));
}

function printSaying(shell: Shell, rule: RuleSayingEntry): void {
  printRule(shell, rule);
  for (const { wants, got, holds } of rule.conditions) {
    if (rule.speaks && holds === "yes") continue;
    const mark = holds === "yes" ? "done" : "failed";
    const told = holds === "unknown" ? `cannot be told: ${got}` : `got ${got}`;
    shell.printLine(
      piece(`           ${sign(mark, shell.out)} `, holds === "yes" ? "green" : "yellow"),
      piece(printable(holds === "yes" ? wants : `${wants}; ${told}`), "dim"),
    );
  }
}

/** Calls that would have been decided otherwise, for people. */
export function printChanges(shell: Shell, changes: readonly DecisionChangeEntry[]): void {
  const rows = changes.map(({ at, resource, principal, from, to, runId, key }) => [
    { text: at.slice(0, 19).replace("T", " ") },
    { text: resource },
    { text: principal },
    { text: from.effect, style: EFFECT_STYLES[from.effect] },
    { text: to.effect, style: EFFECT_STYLES[to.effect] },
    { text: to.rule },
    { text: key === "" ? runId : `${runId} ${key}` },
  ]);
  if (rows.length > 0) shell.print(...table(["AT (UTC)", "WHAT", "WHO", "FROM", "TO", "RULE", "RUN AND STEP"], rows, shell.out));
}

/** The sums of a replay, for people. */
export function printTotals(
  shell: Shell,
  { decided, changed, byChange, byRule, withoutFacts, since }: Omit<PolicyReplayReply, "changes">,
): void {
  const changes = Object.entries(byChange).map(([change, count]) => `${count} ${change}`);
  shell.printLine(
    piece(`${changed} of ${decided} decisions since ${since.slice(0, 16).replace("T", " ")} differ`, "bold"),
    piece(changes.length === 0 ? "" : `: ${changes.join(", ")}`),
  );
  for (const [rule, count] of Object.entries(byRule)
    .toSorted((a, b) => b[1] - a[1])
    .slice(0, 10))
    shell.printLine(piece(printable(`  ${String(count).padStart(6)}  by ${rule}`), "dim"));
  if (withoutFacts > 0) shell.note(`${withoutFacts} were recorded without what was known then; of those only the call itself is sure`);
}
