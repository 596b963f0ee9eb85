// A minute of bad and good requests at once: does the process live, does every request get its status, does the memory stay bounded?
import { connect } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { startServer, startTutti, type Subject } from "../gateway/subject.ts";
import { printTable, writeResults, type Row } from "../shared/results.ts";

const SOAK_MS = 70_000;
const LANES = 8;
const SAMPLE_MS = 5_000;

interface Kind {
  readonly name: string;
  readonly send: (subject: Subject) => Promise<number>;
  readonly wanted: readonly number[];
}

const post = async ({ url, token }: Subject, path: string, body: string | Uint8Array<ArrayBuffer>): Promise<number> => {
  const response = await fetch(url + path, {
    method: "POST",
    body,
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
  });
  await response.arrayBuffer();
  return response.status;
};
const chat = (model: string, stream: boolean): string =>
  JSON.stringify({ model, stream, messages: [{ role: "user", content: "What is 6 * 7?" }] });
const CHAT = "/v1/chat/completions";
const [deep, large, notUtf8] = ["[".repeat(100_000), `{"model":"${"x".repeat(10_000_000)}"}`, new Uint8Array([0x7b, 0xff, 0xfe, 0x7d])];

const KINDS: readonly Kind[] = [
  { name: "good: agent", send: (subject) => post(subject, CHAT, chat("holly", false)), wanted: [200] },
  { name: "good: pass-through", send: (subject) => post(subject, CHAT, chat("bench-model", false)), wanted: [200] },
  { name: "malformed JSON", send: (subject) => post(subject, CHAT, '{"model":'), wanted: [400] },
  { name: "wrong types", send: (subject) => post(subject, "/v1/runs", '{"workflow":7}'), wanted: [400] },
  { name: "100,000 deep", send: (subject) => post(subject, CHAT, deep), wanted: [400] },
  { name: "invalid UTF-8", send: (subject) => post(subject, CHAT, notUtf8), wanted: [400] },
  { name: "10 MB", send: (subject) => post(subject, CHAT, large), wanted: [413] },
  { name: "unknown workflow", send: (subject) => post(subject, "/v1/runs", '{"workflow":"none"}'), wanted: [404] },
  { name: "no token", send: ({ url }) => fetch(`${url}/v1/models`).then((response) => response.status), wanted: [401] },
  { name: "aborted stream", send: abortStream, wanted: [0] },
  { name: "half a request", send: halfARequest, wanted: [0] },
];

await using upstream = await startServer("direct", "upstream.ts", []);
await using tutti = await startTutti(upstream.url);
const counts = new Map(KINDS.map(({ name }) => [name, { sent: 0, wrong: 0 }]));
const memoryMb: number[] = [];
const endsAt = performance.now() + SOAK_MS;
await Promise.all([sampleMemory(), ...Array.from({ length: LANES }, soak)]);
const alive = (await fetch(`${tutti.url}/ready`)).status === 200 ? 1 : 0;

const row = (name: string, metric: string, value: number): Row => ({ subject: "tutti", case: name, metric, value });
const settled = memoryMb.slice(Math.floor(memoryMb.length / 2));
const rows: readonly Row[] = [
  ...[...counts].flatMap(([name, { sent, wrong }]) => [row(name, "sent", sent), row(name, "wrongStatus", wrong)]),
  row("process", "isAliveAtTheEnd", alive),
  row("process", "rssMaxMb", Math.max(...memoryMb)),
  row("process", "rssFirstHalfMaxMb", Math.max(...memoryMb.slice(0, memoryMb.length / 2))),
  row("process", "rssSecondHalfMaxMb", Math.max(...settled)),
];
await writeResults("soak", rows);
printTable(rows);
process.exitCode = alive === 1 && [...counts.values()].every(({ wrong }) => wrong === 0) ? 0 : 1;

async function soak(): Promise<void> {
  for (let turn = Math.floor(Math.random() * KINDS.length); performance.now() < endsAt; turn += 1) {
    const kind = KINDS[turn % KINDS.length];
    const count = counts.get(kind?.name ?? "");
    if (kind === undefined || count === undefined) return;
    const status = await kind.send(tutti).catch(() => 0);
    count.sent += 1;
    if (!kind.wanted.includes(status) && !mayBreakOff(kind, status)) count.wrong += 1;
  }
}

/** A server that refuses a body closes the connection while the client still sends; some clients then see no status. */
function mayBreakOff(kind: Kind, status: number): boolean {
  return kind.name === "10 MB" && status === 0;
}

async function abortStream({ url, token }: Subject): Promise<number> {
  const leaving = new AbortController();
  const response = await fetch(url + CHAT, {
    method: "POST",
    body: chat("bench-model", true),
    headers: { authorization: `Bearer ${token}` },
    signal: leaving.signal,
  });
  await response.body?.getReader().read();
  leaving.abort();
  return 0;
}

async function halfARequest({ url, token }: Subject): Promise<number> {
  const { hostname, port } = new URL(url);
  const socket = connect(Number(port), hostname);
  socket.on("error", () => undefined);
  socket.write(`POST /v1/runs HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${token}\r\ncontent-length: 50\r\n\r\n{"work`);
  await delay(20);
  socket.destroy();
  return 0;
}

async function sampleMemory(): Promise<void> {
  while (performance.now() < endsAt) {
    memoryMb.push((await tutti.usage()).rssBytes / 1024 / 1024);
    await delay(SAMPLE_MS);
  }
}
