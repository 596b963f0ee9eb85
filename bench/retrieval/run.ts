// How well the embeddings that Tutti brings find what answers a question, beside words alone and beside chance. README.md tells more.
import { readFileSync } from "node:fs";
import { monitorEventLoopDelay } from "node:perf_hooks";
import { Embedder } from "../../packages/server/src/models/local/embedder.ts";
import { percentile, printTable, writeResults, type Row } from "../shared/results.ts";
import { Bm25 } from "./bm25.ts";
import { fuse, meanQuality, qualityOf, rank } from "./measures.ts";
import { readSets, type RetrievalSet } from "./sets.ts";

const SEED = 1;
const MIB = 1024 * 1024;
const never = new AbortController().signal;

const folder = process.argv[3];
if (folder === undefined) throw new Error("wanted the folder of the data: npm run bench -- retrieval FOLDER; README.md says what is in it");
const rows: Row[] = [];
for (const set of await readSets(folder)) {
  const rankings = await embedded(set);
  const words = new Bm25(set.documents);
  const byWords = set.questions.map(({ text }) => rank(words.scores(text)));
  judge(set, "local/en-512", rankings);
  judge(set, "BM25", byWords);
  judge(
    set,
    "both, fused",
    rankings.map((ranking, index) => fuse(ranking, byWords[index] ?? [])),
  );
  const random = randomNumbers(SEED);
  judge(
    set,
    "chance",
    set.questions.map(() => rank(set.documents.map(random))),
  );
}
rows.push(...(await costs()));
await writeResults("retrieval", rows, { seed: SEED });
printTable(rows);

function judge(set: RetrievalSet, subject: string, rankings: readonly (readonly number[])[]): void {
  const quality = meanQuality(set.questions.map(({ relevant }, index) => qualityOf(rankings[index] ?? [], relevant)));
  for (const [metric, value] of Object.entries(quality)) rows.push({ subject, case: set.name, metric, value });
}

async function embedded(set: RetrievalSet): Promise<readonly (readonly number[])[]> {
  const embedder = new Embedder(60_000);
  try {
    const { vectors: documents } = await embedder.embed(set.documents, never);
    const { vectors: questions } = await embedder.embed(
      set.questions.map(({ text }) => text),
      never,
    );
    return questions.map((question) => rank(documents.map((document) => product(question, document))));
  } finally {
    await embedder.close();
  }
}

/** Vectors have length 1, so this is the cosine. */
function product(one: ArrayLike<number>, other: ArrayLike<number>): number {
  let sum = 0;
  for (let index = 0; index < one.length; index += 1) sum += (one[index] ?? 0) * (other[index] ?? 0);
  return sum;
}

/** What it costs: the first text, texts of three lengths, the event loop meanwhile, and memory on both sides. */
async function costs(): Promise<readonly Row[]> {
  const embedder = new Embedder(60_000);
  const row = (name: string, metric: string, value: number): Row => ({ subject: "local/en-512", case: name, metric, value });
  try {
    const startMs = performance.now();
    await embedder.embed(["the first text"], never);
    const found = [row("the first text", "ms", performance.now() - startMs)];
    const loop = monitorEventLoopDelay({ resolution: 1 });
    loop.enable();
    for (const words of [10, 50, 200]) {
      const texts = Array.from({ length: 128 }, (_, index) => `${index} ${"some words of a text that is long enough ".repeat(words / 10)}`);
      const beganMs = performance.now();
      await embedder.embed(texts, never);
      found.push(row(`128 texts of about ${words} words`, "msPerText", (performance.now() - beganMs) / texts.length));
    }
    const alone: number[] = [];
    for (let count = 0; count < 50; count += 1) {
      const beganMs = performance.now();
      await embedder.embed([`a question about number ${count}, asked alone`], never);
      alone.push(performance.now() - beganMs);
    }
    loop.disable();
    found.push(
      row(
        "one question at a time",
        "msPerText",
        percentile(
          alone.toSorted((a, b) => a - b),
          0.5,
        ),
      ),
    );
    found.push(
      row("meanwhile, in the server", "loopP99Ms", loop.percentile(99) / 1e6),
      row("meanwhile, in the server", "rssMib", process.memoryUsage.rss() / MIB),
    );
    found.push(row("meanwhile, in the model's process", "rssMib", rssMibOf(embedder.processId)));
    return found;
  } finally {
    await embedder.close();
  }
}

/** Linux tells it; elsewhere it is not measured. */
function rssMibOf(processId: number | undefined): number {
  const status = readFileSync(`/proc/${processId}/status`, "utf8");
  return Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1] ?? Number.NaN) / 1024;
}

/** Numbers from 0 to 1, the same for the same seed (a linear congruential generator is random enough to shuffle with). */
function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}
