// How often the semantic tier of the router is right, wrong, and leaves a text to a person. README.md tells more.
import { readFileSync } from "node:fs";
import { readRouterPolicy } from "../../packages/server/src/host/index.ts";
import { confidenceOf, LOCAL_CALIBRATION, Semantic, type Scored } from "../../packages/server/src/host/routing/semantic.ts";
import { createModels } from "../../packages/server/src/models/index.ts";
import { printTable, writeResults, type Row } from "../shared/results.ts";
import { fitting, heldOut, type Labelled } from "./texts.ts";

const never = new AbortController().signal;
/** Newton's method on two numbers is there after a handful of rounds. */
const ROUNDS = 50;
/** Keeps the curve finite when the labels can be told apart without a mistake. */
const RIDGE = 1e-3;
const BINS = 5;

const policy = readRouterPolicy(readFileSync(new URL("policy.yaml", import.meta.url), "utf8"), "policy.yaml");
const models = createModels({ providers: [] });
const semantic = new Semantic((texts, model, signal) => models.embed(texts, model, signal));
const scored = async (texts: readonly Labelled[]): Promise<readonly Case[]> =>
  Promise.all(texts.map(async (text) => ({ ...text, scores: await semantic.score(text.text, policy, never) })));

interface Case extends Labelled {
  readonly scores: readonly Scored[];
}

const known = await scored(fitting);
const unseen = await scored(heldOut);
await models.close();
const fitted = fit(
  known.flatMap(({ rule, scores }) => scores.map((score) => ({ x: score.similarity, y: score.rule.id === rule ? 1 : 0 }))),
);
const rows: Row[] = [];
for (const [name, cases] of Object.entries({ "fitted on": known, "held out": unseen })) {
  for (const confidence of [0.5, 0.7, 0.85, 0.95]) rows.push(...judged(`${name}, ${confidence} / 0.05`, cases, { confidence, gap: 0.05 }));
  rows.push(...judged(`${name}, raw cosine 0.85 / 0.05`, cases, { confidence: 0.85, gap: 0.05, isRaw: true }));
  rows.push({ subject: "tutti", case: name, metric: "calibrationError", value: calibrationError(cases) });
}
await writeResults("routing", rows, {
  model: "Universal Sentence Encoder Lite (local/en-512)",
  rules: policy.rules.length,
  examples: policy.rules.reduce((sum, { examples = [] }) => sum + examples.length, 0),
  fitted: { midpoint: round(fitted.midpoint), slope: round(fitted.slope) },
  shipped: LOCAL_CALIBRATION,
});
printTable(rows);
process.stdout.write(
  `fitted: midpoint ${round(fitted.midpoint)}, slope ${round(fitted.slope)}; shipped: ${JSON.stringify(LOCAL_CALIBRATION)}\n`,
);

interface Thresholds {
  readonly confidence: number;
  readonly gap: number;
  readonly isRaw?: boolean;
}

/** Of the texts that a rule is meant for, and of those that none is meant for. */
function judged(name: string, cases: readonly Case[], { confidence, gap, isRaw = false }: Thresholds): readonly Row[] {
  let right = 0;
  let wrong = 0;
  let refused = 0;
  let taken = 0;
  const meant = cases.filter(({ rule }) => rule !== "none");
  for (const { rule, scores } of cases) {
    const sure = (score: Scored | undefined): number =>
      score === undefined ? 0 : isRaw ? score.similarity : confidenceOf(score.similarity, LOCAL_CALIBRATION);
    const [first, second] = scores;
    const isSure = sure(first) >= confidence && sure(first) - sure(second) >= gap;
    if (rule === "none") taken += isSure ? 1 : 0;
    else if (!isSure) refused += 1;
    else if (first?.rule.id === rule) right += 1;
    else wrong += 1;
  }
  const others = cases.length - meant.length;
  const row = (metric: string, value: number): Row => ({ subject: "tutti", case: name, metric, value: round(value) });
  return [
    row("rightShare", right / meant.length),
    row("wrongShare", wrong / meant.length),
    row("toPersonShare", refused / meant.length),
    row("precision", right + wrong + taken === 0 ? 1 : right / (right + wrong + taken)),
    row("strangersTakenShare", taken / others),
  ];
}

/** Expected calibration error: how far the confidence of the first rule is from how often it is right, in equal bins. */
function calibrationError(cases: readonly Case[]): number {
  const bins = Array.from({ length: BINS }, () => ({ sum: 0, right: 0, count: 0 }));
  for (const { rule, scores } of cases) {
    const [first] = scores;
    if (first === undefined) continue;
    const bin = bins[Math.min(BINS - 1, Math.floor(first.confidence * BINS))];
    if (bin === undefined) continue;
    bin.sum += first.confidence;
    bin.right += first.rule.id === rule ? 1 : 0;
    bin.count += 1;
  }
  return round(bins.reduce((sum, bin) => sum + Math.abs(bin.sum - bin.right), 0) / cases.length);
}

/** A logistic curve by Newton's method. */
function fit(points: readonly { readonly x: number; readonly y: number }[]): { readonly midpoint: number; readonly slope: number } {
  let [slope, intercept] = [1, 0];
  for (let round = 0; round < ROUNDS; round += 1) {
    const gradient = [-RIDGE * slope, 0];
    const curve = [RIDGE, 0, 1e-9];
    for (const { x, y } of points) {
      const chance = 1 / (1 + Math.exp(-(slope * x + intercept)));
      const weight = chance * (1 - chance);
      gradient[0] = (gradient[0] ?? 0) + (y - chance) * x;
      gradient[1] = (gradient[1] ?? 0) + (y - chance);
      curve[0] = (curve[0] ?? 0) + weight * x * x;
      curve[1] = (curve[1] ?? 0) + weight * x;
      curve[2] = (curve[2] ?? 0) + weight;
    }
    const [a = 0, b = 0, c = 0] = curve;
    const determinant = a * c - b * b;
    slope += (c * (gradient[0] ?? 0) - b * (gradient[1] ?? 0)) / determinant;
    intercept += (a * (gradient[1] ?? 0) - b * (gradient[0] ?? 0)) / determinant;
  }
  return { midpoint: -intercept / slope, slope };
}

function round(value: number): number {
  return Math.round(value * 1000) / 1000;
}
