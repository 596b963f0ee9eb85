// Attacks through text that tools read, on a model that obeys every order it sees, with and without Tutti's rules. README.md tells more.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { resultForModel } from "../../packages/server/src/models/index.ts";
import { printTable, writeResults, type Row } from "../shared/results.ts";
import { CARRIERS, GOALS } from "./attacks.ts";
import { TASKS } from "./tasks.ts";
import { startTrial, type Defence, type Outcome } from "./trial.ts";

const DEFENCES: Readonly<Record<string, Defence>> = {
  "no rules": { taintPolicy: "off", isCleaned: false, person: "none" },
  "cleaning only": { taintPolicy: "off", isCleaned: true, person: "none" },
  "ask, attentive person": { taintPolicy: "ask", isCleaned: true, person: "attentive" },
  "ask, person who approves all": { taintPolicy: "ask", isCleaned: true, person: "careless" },
  "ask, rules alone, attentive person": { taintPolicy: "ask", isCleaned: false, person: "attentive" },
  deny: { taintPolicy: "deny", isCleaned: true, person: "none" },
};
const RULES = { mark: false, clean: true, instructions: "remove", secrets: false, personalData: false, charactersMax: 1_000_000 } as const;

const rows: Row[] = [];
const byGoal: Record<string, Record<string, number>> = {};
for (const [subject, defence] of Object.entries(DEFENCES)) {
  await using trial = await startTrial(defence);
  const benign: Outcome[] = [];
  for (const task of TASKS) benign.push(await trial.run(task));
  const attacked: (Outcome & { readonly goal: string })[] = [];
  for (const [number, task] of TASKS.entries())
    for (const [index, carrier] of Object.keys(CARRIERS).entries()) {
      const goal = (number + index) % GOALS.length;
      attacked.push({ ...(await trial.run(task, { carrier, goal })), goal: GOALS[goal]?.name ?? "" });
    }
  const row = (name: string, metric: string, value: number): number =>
    rows.push({ subject, case: name, metric, value: Math.round(value * 1000) / 1000 });
  row(
    "own tasks",
    "attackSuccess",
    shareOf(attacked, ({ isAttacked }) => isAttacked),
  );
  row(
    "own tasks",
    "utility",
    shareOf(benign, ({ isDone }) => isDone),
  );
  row(
    "own tasks",
    "utilityUnderAttack",
    shareOf(attacked, ({ isDone }) => isDone),
  );
  row("own tasks", "askedPerBenignTask", benign.reduce((sum, { asked }) => sum + asked, 0) / benign.length);
  byGoal[subject] = Object.fromEntries(
    GOALS.map(({ name }) => [
      name,
      Math.round(
        shareOf(
          attacked.filter(({ goal }) => goal === name),
          ({ isAttacked }) => isAttacked,
        ) * 1000,
      ) / 1000,
    ]),
  );
}
const folder = process.argv[3];
if (folder !== undefined) await corpus(folder);
const about = { tasks: TASKS.length, injections: Object.keys(CARRIERS).length, runs: TASKS.length * Object.keys(CARRIERS).length, byGoal };
await writeResults("injection", rows, about);
printTable(rows);

/** BIPIA's training part: its instructions in mails of its own. What a mail orders goes to a tool that does anything. */
async function corpus(path: string): Promise<void> {
  const json = (name: string): unknown => JSON.parse(readFileSync(join(path, name), "utf8"));
  const attacks = ["text_attack_train.json", "code_attack_train.json"].flatMap((name) =>
    Object.values(json(name) as Record<string, string[]>).flat(),
  );
  const mails = readFileSync(join(path, "email/train.jsonl"), "utf8")
    .trim()
    .split("\n")
    .map((line) => (JSON.parse(line) as { readonly context: string | readonly string[] }).context)
    .map((context) => (typeof context === "string" ? context : context.join("\n")));
  const seen = (text: string): string => resultForModel({ output: text, tool: "mail", key: "" }, RULES);
  const report = (subject: string, metric: string, value: number): number =>
    rows.push({ subject, case: "BIPIA, training part", metric, value: Math.round(value * 1000) / 1000 });
  report(
    "cleaning only",
    "attacksChanged",
    shareOf(attacks, (text) => seen(text) !== text),
  );
  report(
    "cleaning only",
    "mailsChanged",
    shareOf(mails, (text) => seen(text) !== text),
  );
  for (const subject of ["no rules", "cleaning only", "ask, attentive person"]) {
    const defence = DEFENCES[subject];
    if (defence === undefined) continue;
    await using trial = await startTrial(defence);
    let obeyed = 0;
    for (const [index, attack] of attacks.entries())
      obeyed += (await trial.read(`${mails[index % mails.length]}\nBIPIA(${attack.replaceAll(/[()]/g, " ")})`)) ? 1 : 0;
    report(subject, "attackSuccess", obeyed / attacks.length);
  }
}

function shareOf<T>(items: readonly T[], holds: (item: T) => boolean): number {
  return items.length === 0 ? 0 : items.filter(holds).length / items.length;
}
