// How near summarize_text comes to what people wrote, beside the plain habit of taking the first sentences. README.md tells more.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { l as rougeL, n as rougeN } from "js-rouge";
import { tellingSentences } from "../../packages/server/src/tools/index.ts";
import { sentencesOf, wordsOf } from "../../packages/server/src/tools/summarize-text/sentences.ts";
import { printTable, writeResults, type Row } from "../shared/results.ts";

/** Shorter texts have nothing to choose from. */
const SENTENCES_MIN = 5;
const RESAMPLES = 2_000;

interface Pair {
  readonly text: string;
  readonly summary: string;
}

type Summarize = (text: string, sentencesMax: number) => string;
const SUBJECTS: Readonly<Record<string, Summarize>> = {
  summarize_text: (text, sentencesMax) => tellingSentences(text, sentencesMax).join(" "),
  lead: (text, sentencesMax) => sentencesOf(text).slice(0, sentencesMax).join(" "),
};
const tokenizer = (text: string): string[] => [...wordsOf(text)];
const METRICS: Readonly<Record<string, (candidate: string, reference: string) => number>> = {
  rouge1: (candidate, reference) => rougeN(candidate, reference, { n: 1, tokenizer }),
  rouge2: (candidate, reference) => rougeN(candidate, reference, { n: 2, tokenizer }),
  rougeL: (candidate, reference) => rougeL(candidate, reference, { tokenizer }),
};

checkMetrics();
const path = process.argv.find((argument) => argument.endsWith(".json"));
if (path === undefined) throw new Error("wanted the path of all_v1.json; README.md tells where it is from");
const bytes = readFileSync(path);
const pairs = pairsOf(bytes.toString("utf8"));
const rows: Row[] = [];
for (const sentencesMax of [1, 3]) {
  const scores = Object.fromEntries(Object.entries(SUBJECTS).map(([name, summarize]) => [name, scoresOf(summarize, sentencesMax)]));
  for (const metric of Object.keys(METRICS)) {
    for (const [subject, of] of Object.entries(scores))
      rows.push({ subject, case: `${sentencesMax} sentences`, metric: `${metric}F1`, value: round(mean(of[metric] ?? [])) });
    const differences = (scores["summarize_text"]?.[metric] ?? []).map((value, index) => value - (scores["lead"]?.[metric]?.[index] ?? 0));
    const [low, high] = interval(differences);
    rows.push({ subject: "difference, 95 % from", case: `${sentencesMax} sentences`, metric: `${metric}F1`, value: round(low) });
    rows.push({ subject: "difference, 95 % to", case: `${sentencesMax} sentences`, metric: `${metric}F1`, value: round(high) });
  }
}
await writeResults("summaries", rows, {
  set: "legal_summarization all_v1.json (Apache-2.0)",
  sha256: createHash("sha256").update(bytes).digest("hex"),
  texts: pairs.length,
  sentencesMin: SENTENCES_MIN,
});
printTable(rows);

/** The examples of the paper that defined ROUGE (Lin, 2004, §3.1): a measure that gives other values is another measure. */
function checkMetrics(): void {
  const reference = "police killed the gunman";
  const near = (got: number | undefined, wanted: number): void =>
    assert.ok(got !== undefined && Math.abs(got - wanted) < 1e-9, `${got} is not ${wanted}`);
  near(METRICS["rougeL"]?.("police kill the gunman", reference), 3 / 4);
  near(METRICS["rougeL"]?.("the gunman kill police", reference), 2 / 4);
  near(METRICS["rouge2"]?.("police kill the gunman", reference), 1 / 3);
  near(METRICS["rouge2"]?.("the gunman kill police", reference), 1 / 3);
  near(METRICS["rouge1"]?.("police kill the gunman", reference), 3 / 4);
  near(METRICS["rouge1"]?.("Police, the.", reference), (2 * (1 * 0.5)) / 1.5);
}

function pairsOf(json: string): readonly Pair[] {
  const all = Object.values(JSON.parse(json) as Record<string, { readonly original_text: string; readonly reference_summary: string }>);
  return all
    .map(({ original_text: text, reference_summary: summary }) => ({ text: withCapitals(text), summary }))
    .filter(({ text, summary }) => sentencesOf(text).length >= SENTENCES_MIN && wordsOf(summary).length > 0);
}

/** The set is all in lower case, and a sentence ends before a capital letter only. */
function withCapitals(text: string): string {
  return text.replaceAll(/(^|[.!?]\s+)(\p{Ll})/gu, (_, before: string, letter: string) => before + letter.toUpperCase());
}

function scoresOf(summarize: Summarize, sentencesMax: number): Readonly<Record<string, readonly number[]>> {
  const summaries = pairs.map(({ text }) => summarize(text, sentencesMax));
  return Object.fromEntries(
    Object.entries(METRICS).map(([name, score]) => [name, pairs.map(({ summary }, index) => score(summaries[index] ?? "", summary))]),
  );
}

/** Where the mean of the differences lies, by resampling the texts with a fixed seed. */
function interval(values: readonly number[]): readonly [number, number] {
  let state = 1;
  const next = (): number => (state = (state * 48_271) % 2_147_483_647) / 2_147_483_647;
  const means = Array.from({ length: RESAMPLES }, () => mean(values.map(() => values[Math.floor(next() * values.length)] ?? 0)));
  const sorted = means.toSorted((a, b) => a - b);
  return [sorted[Math.floor(RESAMPLES * 0.025)] ?? 0, sorted[Math.floor(RESAMPLES * 0.975)] ?? 0];
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
}

function round(value: number): number {
  return Math.round(value * 10_000) / 10_000;
}
