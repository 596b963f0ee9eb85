// How far Tutti's token counts are off from each family's own vocabulary, and how long counting takes.
import { countRequest, countTokens, loadTokenizer } from "../../packages/server/src/models/tokens/index.ts";
import { installPeers } from "../shared/peers.ts";
import { percentile, printTable, writeResults, type Row } from "../shared/results.ts";
import { KINDS, type Kind } from "./texts.ts";
import { vocabularies, VOCABULARIES_FOLDER, type Vocabulary } from "./vocabularies.ts";

const installed = installPeers(VOCABULARIES_FOLDER);
if (!installed.ok) throw new Error(installed.reason);

await loadTokenizer("gpt-4o");

/** What Tutti makes of a text beside what it really is. */
function compare({ model, of, count }: Vocabulary, { kind, texts }: Kind): readonly Row[] {
  const subject = `${model}, ${of}`;
  const counts = texts.map((text) => ({ real: count(text), told: countTokens(model, text), base: countTokens("gpt-4o", text) }));
  const errors = counts.map(({ real, told }) => Math.abs(told - real) / real).toSorted((a, b) => a - b);
  const ratios = counts.map(({ real, base }) => real / base).toSorted((a, b) => a - b);
  const bounds = texts.map((content) => countRequest(model, { messages: [{ role: "user", content }] }).errorBound);
  return [
    ["texts", texts.length],
    ["ratioLeast", ratios[0] ?? 0],
    ["ratioMost", ratios.at(-1) ?? 0],
    ["errorMedianPercent", percentile(errors, 0.5) * 100],
    ["errorWorstPercent", (errors.at(-1) ?? 0) * 100],
    ["boundPercent", Math.max(...bounds) * 100],
  ].map(([metric, value]) => ({ subject, case: kind, metric: String(metric), value: Number(value) }));
}

/** An unknown model's texts are counted by their bytes; o200k_base stands for whatever it really has. */
function unknown({ kind, texts }: Kind): readonly Row[] {
  const o200k: Vocabulary = { model: "unknown-model", of: "o200k_base", count: (text) => countTokens("gpt-4o", text) };
  return compare(o200k, { kind, texts, script: "ascii" });
}

function speed(): readonly Row[] {
  const text = KINDS.flatMap(({ texts }) => texts)
    .join("\n")
    .slice(0, 60_000);
  // Random letters, the same in each run: a run without a break is what merging is slowest on.
  let seed = 1;
  const letter = (): string => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
    return String.fromCharCode(97 + Math.floor((seed / 2 ** 32) * 26));
  };
  const hostile = Array.from({ length: 1_000_000 }, letter).join("");
  return [
    ["60,000 characters of everything", text],
    ["a million letters without a space", hostile],
  ].map(([name = "", content = ""]) => {
    const times = Array.from({ length: 9 }, () => {
      const start = performance.now();
      countTokens("gpt-4o", content);
      return performance.now() - start;
    });
    return {
      subject: "gpt-4o",
      case: name,
      metric: "medianMs",
      value: percentile(
        times.toSorted((a, b) => a - b),
        0.5,
      ),
    };
  });
}

const families = vocabularies();
const rows = KINDS.flatMap((kind) => [...families.flatMap((family) => compare(family, kind)), ...unknown(kind)]);
printTable(rows);
const times = speed();
printTable(times);
await writeResults("tokens", [...rows, ...times]);
