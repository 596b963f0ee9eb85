// Whether memory stays flat under streams for ten minutes: 64 at once, and every third client leaves in the midst of its answer.
// `npm run bench -- streams SECONDS` runs it for another time. Its limit is the process itself a few minutes earlier.
import { setTimeout as sleep } from "node:timers/promises";
import { Pool } from "undici";
import { startServer, startTutti, type Subject } from "../gateway/subject.ts";
import { percentile, printTable, writeResults, type Row } from "../shared/results.ts";

const SECONDS = Number(process.argv[3] ?? 600);
const STREAMS = 64;
/** Every so many-th client leaves after a few events. */
const LEAVES_EVERY = 3;
const SAMPLE_MS = 5_000;
/** Memory is compared between these parts of the run: what comes before is warming up. */
const EARLY = [0.2, 0.4] as const;
const LATE = [0.8, 1] as const;
const MEBIBYTE = 1_048_576;

await using upstream = await startServer("direct", "upstream.ts", []);
await using tutti = await startTutti(upstream.url);
const pool = new Pool(tutti.url, { connections: STREAMS, pipelining: 1, allowH2: false });
const body = JSON.stringify({ model: "bench-model", stream: true, messages: [{ role: "user", content: "Play on. ".repeat(40) }] });
const counts = { whole: 0, left: 0, wrong: 0 };
const until = performance.now() + SECONDS * 1000;
const rssMib: number[] = [];
const heapMib: number[] = [];
/** When the heap is looked at, in parts of the run. */
const HEAP_AT = [0.25, 0.98];

const clients = Array.from({ length: STREAMS }, (_, index) => client(index));
for (let samples = 0; performance.now() < until; samples += 1) {
  await sleep(SAMPLE_MS);
  rssMib.push((await tutti.usage()).rssBytes / MEBIBYTE);
  const done = 1 - (until - performance.now()) / (SECONDS * 1000);
  if (done >= (HEAP_AT[heapMib.length] ?? Infinity)) heapMib.push(((await tutti.heapBytes?.()) ?? 0) / MEBIBYTE);
  if (samples % 12 === 11)
    console.error(`${Math.round((samples * SAMPLE_MS) / 60_000)} min: ${rssMib.at(-1)?.toFixed(0)} MiB, ${JSON.stringify(counts)}`);
}
await Promise.all(clients);
await pool.destroy();

const rows: readonly Row[] = [
  row("wholeAnswers", counts.whole),
  row("leftMidStream", counts.left),
  row("wrongAnswers", counts.wrong),
  row("rssEarlyMib", between(EARLY)),
  row("rssLateMib", between(LATE)),
  row("rssLateToEarly", between(LATE) / between(EARLY)),
  row("heapEarlyMib", heapMib[0] ?? 0),
  row("heapLateMib", heapMib[1] ?? 0),
  row("heapLateToEarly", (heapMib[1] ?? 0) / (heapMib[0] ?? 1)),
  row("rssMaxMib", Math.max(...rssMib)),
  row("seconds", SECONDS),
];
await writeResults("streams", rows);
printTable(rows);

function row(metric: string, value: number): Row {
  return { subject: (tutti satisfies Subject).name, case: `${STREAMS} streams, every ${LEAVES_EVERY}rd client leaves`, metric, value };
}

/** The median of a part of the run. */
function between([from, to]: readonly [number, number]): number {
  const part = rssMib.slice(Math.floor(rssMib.length * from), Math.ceil(rssMib.length * to));
  return percentile(
    part.toSorted((a, b) => a - b),
    0.5,
  );
}

async function client(index: number): Promise<void> {
  for (let turn = index; performance.now() < until; turn += 1) await ask(turn % LEAVES_EVERY === 0);
}

async function ask(leaves: boolean): Promise<void> {
  const headers = { "content-type": "application/json", authorization: `Bearer ${tutti.token}` };
  try {
    const answer = await pool.request({ path: "/v1/chat/completions", method: "POST", headers, body });
    let text = "";
    for await (const chunk of answer.body as AsyncIterable<Buffer>) {
      text += chunk.toString("utf8");
      // Leaving the loop ends the connection in the midst of the stream.
      if (leaves && text.length > 600) break;
    }
    if (leaves) counts.left += 1;
    else if (answer.statusCode === 200 && text.endsWith("data: [DONE]\n\n")) counts.whole += 1;
    else counts.wrong += 1;
  } catch {
    counts.wrong += 1;
  }
}
