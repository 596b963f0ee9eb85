import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { setImmediate as nextTurn } from "node:timers/promises";
import { startAnthropicUpstream } from "../../packages/server/src/testing/anthropic-upstream.ts";
import { startGeminiUpstream } from "../../packages/server/src/testing/gemini-upstream.ts";
import { MEDIA_API_KEY, startMediaUpstream } from "../../packages/server/src/testing/media-upstream.ts";
import { startMeter, type Bill, type Meter } from "../../packages/server/src/testing/meter.ts";
import { QWEN, startOllamaUpstream } from "../../packages/server/src/testing/ollama-upstream.ts";
import { startOpenAiUpstream } from "../../packages/server/src/testing/openai-upstream.ts";
import { startResponsesUpstream } from "../../packages/server/src/testing/responses-upstream.ts";
import { startTestApp, type TestApp } from "../../packages/server/src/testing.ts";
import { obey, obeyGemini, obeyResponses, play, type Exchange } from "./exchanges.ts";

const API_KEY = "sk-upstream";
/** Requests under way at the same time. */
const WORKERS = 8;
/** How often a test looks for the end of something before it gives up. */
const LOOKS_MAX = 3_000;

const parts = new AsyncDisposableStack();
const meters = new Map<string, Meter>();
let app: TestApp;

before(async () => {
  const metered = async (name: string, upstream: { readonly baseUrl: string } & AsyncDisposable): Promise<string> => {
    parts.use(upstream);
    const meter = parts.use(await startMeter(upstream.baseUrl));
    meters.set(name, meter);
    return meter.baseUrl;
  };
  const openAi = async (name: string): Promise<object> => {
    const upstream = await startOpenAiUpstream(obey({ isSteady: name === "backup" }), { apiKey: API_KEY, models: ["gpt-4o"] });
    const surfaces = ["chat/completions", "completions"];
    return { name, kind: "openai", baseUrl: await metered(name, upstream), apiKey: API_KEY, models: ["gpt-4o"], surfaces };
  };
  const providers = [
    await openAi("hosted"),
    await openAi("flaky"),
    await openAi("backup"),
    await openAi("cutter"),
    {
      name: "responder",
      kind: "openai",
      baseUrl: await metered("responder", await startResponsesUpstream(obeyResponses, { apiKey: API_KEY, models: ["gpt-4.1"] })),
      apiKey: API_KEY,
      models: ["gpt-4.1"],
      surfaces: ["responses"],
    },
    {
      name: "claude",
      kind: "anthropic",
      baseUrl: await metered("claude", await startAnthropicUpstream(undefined, { apiKey: API_KEY })),
      apiKey: API_KEY,
      models: ["claude-sonnet-4-5-20250929"],
    },
    {
      name: "gemini",
      kind: "gemini",
      baseUrl: await metered("gemini", await startGeminiUpstream(obeyGemini, { apiKey: API_KEY })),
      apiKey: API_KEY,
      models: ["gemini-2.5-flash"],
    },
    {
      name: "ollama",
      kind: "ollama",
      baseUrl: await metered("ollama", await startOllamaUpstream({ models: [QWEN] })),
      models: [QWEN.name],
    },
    {
      name: "media",
      kind: "openai",
      baseUrl: await metered("media", await startMediaUpstream()),
      apiKey: MEDIA_API_KEY,
      models: ["text-embedding-3-small", "gpt-image-1", "gpt-4o-transcribe", "gpt-4o-mini-tts", "rerank-v3.5"],
    },
  ];
  const twice = { attemptsMax: 2, budgetRatio: 1 };
  const models = {
    sturdy: { targets: ["flaky/gpt-4o", "backup/gpt-4o"], retries: twice },
    resumed: { targets: ["cutter/gpt-4o", "backup/gpt-4o"], retries: twice, afterFirstByte: "text" },
    kept: { targets: ["hosted/gpt-4o"] },
    again: { targets: ["hosted/gpt-4o"], retries: twice },
  };
  const settings = { providers, models, cache: { models: ["kept"] } };
  app = parts.use(await startTestApp(settings as unknown as Parameters<typeof startTestApp>[0]));
});

after(() => parts.disposeAsync());

describe("what the gateway says was spent", () => {
  test("over all surfaces, streamed, broken off, retried and fallen back, it is what the upstreams counted, to the token", async () => {
    const secrets = await Promise.all(["one", "two", "three"].map((name) => newKey({ name, team: name === "three" ? "b" : "a" })));
    const script = exchanges();
    assert.ok(script.length >= 200, `${script.length} exchanges`);
    const before = requestsSeen();
    await inParallel(script, (exchange, index) => play(app.url, secrets[index % secrets.length] ?? "", exchange));
    const rows = await ledgerOf(script.length, ["provider"]);
    for (const [name, meter] of meters) {
      const { inputTokens = 0, outputTokens = 0 } = rows.find(({ provider }) => provider === name) ?? {};
      assert.deepEqual({ inputTokens, outputTokens }, meter.bill(), `${name}: what the ledger says, and what the upstream counted`);
    }
    assert.ok(requestsSeen() > before + script.length, "some were tried more than once");
    const total = bills();
    for (const by of ["key", "team", "model", "day"] as const)
      assert.deepEqual((await ledger([by])).reduce<Bill>(sum, { inputTokens: 0, outputTokens: 0 }), total, `by ${by}`);
  });

  test("an answer from the cache costs nothing, and is in no ledger twice", async () => {
    const secret = await newKey({ name: "kept", team: "kept" });
    const before = bills();
    const asked = requestsSeen();
    for (let count = 0; count < 10; count += 1) {
      await play(app.url, secret, chat("Always the same", { model: "kept", stream: false }));
      // The first one has to be in the cache before it can be found there.
      if (count === 0) await ledgerOf(1, ["team"], "kept");
    }
    const [row] = await ledgerOf(1, ["team"], "kept");
    const after = bills();
    assert.equal(requestsSeen(), asked + 1);
    assert.deepEqual(
      [row?.requests, row?.inputTokens, row?.outputTokens],
      [1, after.inputTokens - before.inputTokens, after.outputTokens - before.outputTokens],
    );
  });

  test("an answer that one upstream broke off and another went on with is charged for both", async () => {
    const secret = await newKey({ name: "resumed", team: "resumed" });
    const before = bills();
    await play(app.url, secret, message(`#cut:4 Go on with it: ${WORDS}`, { model: "resumed", stream: true }));
    const rows = await ledgerOf(1, ["team"], "resumed");
    const after = bills();
    const [row] = rows;
    const cut = meters.get("cutter")?.calls.filter(({ isCut }) => isCut).length;
    assert.equal(cut, 1, "the first upstream broke off");
    assert.equal(row?.inputTokens, after.inputTokens - before.inputTokens);
    assert.equal(row?.outputTokens, after.outputTokens - before.outputTokens);
  });

  test("a budget that many requests race for is never overspent by more than one request in flight", async () => {
    const most = 60;
    const limit = 400;
    const secret = await newKey({ name: "racing", team: "racing", limits: { budgets: [{ tokens: limit, per: "total" }] } });
    const before = bills();
    const statuses: number[] = [];
    await inParallel(Array.from({ length: 200 }), async (_, index) => {
      const body = { model: "hosted/gpt-4o", max_tokens: 30, messages: [{ role: "user", content: `Race ${index}: ${WORDS}` }] };
      const response = await as(secret, "/v1/chat/completions", body);
      await response.arrayBuffer();
      statuses.push(response.status);
    });
    const answered = statuses.filter((status) => status === 200).length;
    await ledgerOf(answered, ["team"], "racing");
    const after = bills();
    const spent = after.inputTokens + after.outputTokens - before.inputTokens - before.outputTokens;
    assert.ok(spent <= limit + most, `${spent} tokens of ${limit} were spent`);
    assert.ok(spent > limit - most, `${spent} tokens of ${limit} were let in`);
    assert.deepEqual(
      [...new Set(statuses)].filter((status) => ![200, 402, 429].includes(status)),
      [],
    );
    assert.equal(
      (await as(secret, "/v1/chat/completions", { model: "hosted/gpt-4o", messages: [{ role: "user", content: "x" }] })).status,
      spent >= limit ? 402 : 200,
    );
  });
});

/** At least 200 exchanges, each kind spread over the whole script. */
function exchanges(): readonly Exchange[] {
  const kinds: readonly (readonly [count: number, make: (index: number) => Exchange])[] = [
    [30, (index) => chat(`Tell me the number ${index}`, {})],
    [30, (index) => chat(`Tell me the number ${index}`, { stream: true })],
    [
      20,
      (index) => ({
        ...chat(`#pause:${2 + (index % 5)} Tell me what I asked for: ${WORDS}`, { stream: true }),
        take: { leaveAfter: 2 + (index % 5) },
      }),
    ],
    [15, (index) => chat(`#fail-once:0:${index} Try it again`, { model: "again", stream: index % 2 === 0 })],
    [15, (index) => chat(`#fail-once:0:f${index} Go elsewhere`, { model: "sturdy", stream: index % 2 === 0 })],
    [
      10,
      (index) => ({
        path: "/v1/completions",
        body: { model: "hosted/gpt-4o", prompt: `Once upon ${index}`, stream: index % 2 === 0 },
        take: "whole",
      }),
    ],
    [15, (index) => message(`Say it again, ${index}`, { model: "claude/claude-sonnet-4-5-20250929", stream: index % 2 === 0 })],
    [10, (index) => message(`Say it again, ${index}`, { model: "hosted/gpt-4o", stream: index % 2 === 0 })],
    [
      10,
      (index) => ({
        ...message(`#pause:${2 + (index % 3)} Leave early: ${WORDS}`, { model: "hosted/gpt-4o", stream: true }),
        take: { leaveAfter: 2 + (index % 3) },
      }),
    ],
    [10, (index) => chat(`And for chat clients, ${index}`, { model: "claude/claude-sonnet-4-5-20250929", stream: index % 2 === 0 })],
    [10, (index) => chat(`Tell Gemini ${index}`, { model: "gemini/gemini-2.5-flash", stream: index % 2 === 0 })],
    [10, (index) => message(`Tell Gemini ${index}`, { model: "gemini/gemini-2.5-flash", stream: index % 2 === 0 })],
    [10, (index) => chat(`Tell Ollama ${index}`, { model: `ollama/${QWEN.name}`, stream: index % 2 === 0 })],
    [20, (index) => answer(`Respond to ${index}`, { stream: index % 2 === 0 })],
    [
      10,
      (index) => ({
        ...answer(`#pause:${2 + (index % 3)} Leave early: ${WORDS}`, { stream: true }),
        take: { leaveAfter: 2 + (index % 3) },
      }),
    ],
    [10, (index) => answer(`Respond from another format to ${index}`, { model: "hosted/gpt-4o", stream: index % 2 === 0 })],
    [
      15,
      (index) => ({
        path: "/v1/embeddings",
        body: { model: "media/text-embedding-3-small", input: [`one ${index}`, "two and three"] },
        take: "whole",
      }),
    ],
    [
      5,
      (index) => ({ path: "/v1/images/generations", body: { model: "media/gpt-image-1", prompt: `a picture of ${index}` }, take: "whole" }),
    ],
    [5, (index) => ({ path: "/v1/audio/transcriptions", body: recording(index), take: "whole" })],
    [
      5,
      (index) => ({
        path: "/v1/audio/speech",
        body: { model: "media/gpt-4o-mini-tts", input: `read ${index} aloud`, voice: "alloy", stream_format: "sse" },
        take: "whole",
      }),
    ],
  ];
  const made = kinds.flatMap(([count, make]) =>
    Array.from({ length: count }, (_, index) => ({ place: (index + 0.5) / count, exchange: make(index) })),
  );
  return made.toSorted((a, b) => a.place - b.place).map(({ exchange }) => exchange);
}

const WORDS = "the quick brown fox jumps over the lazy dog, and nobody knows why it does so";

interface How {
  readonly model?: string;
  readonly stream?: boolean;
}

function chat(content: string, { model = "hosted/gpt-4o", stream = false }: How): Exchange {
  const messages = [
    { role: "system", content: "Be brief." },
    { role: "user", content },
  ];
  return { path: "/v1/chat/completions", body: { model, messages, stream }, take: "whole" };
}

function message(content: string, { model, stream = false }: How): Exchange {
  return { path: "/v1/messages", body: { model, max_tokens: 500, messages: [{ role: "user", content }], stream }, take: "whole" };
}

function answer(input: string, { model = "responder/gpt-4.1", stream = false }: How): Exchange {
  return { path: "/v1/responses", body: { model, input, stream, store: false }, take: "whole" };
}

function recording(index: number): FormData {
  const form = new FormData();
  form.append("model", "media/gpt-4o-transcribe");
  form.append("file", new Blob([`RIFF of recording ${index}`], { type: "audio/wav" }), "recording.wav");
  return form;
}

async function inParallel<T>(items: readonly T[], work: (item: T, index: number) => Promise<void>): Promise<void> {
  const queue = items.entries();
  const worker = async (): Promise<void> => {
    for (const [index, item] of queue) await work(item, index);
  };
  await Promise.all(Array.from({ length: WORKERS }, worker));
}

async function newKey(settings: object): Promise<string> {
  const response = await app.fetch("/v1/keys", settings);
  assert.equal(response.status, 201, await response.clone().text());
  return ((await response.json()) as { readonly secret: string }).secret;
}

function as(secret: string, path: string, body: object): Promise<Response> {
  const headers = { authorization: `Bearer ${secret}`, "content-type": "application/json" };
  return fetch(new URL(path, app.url), { method: "POST", headers, body: JSON.stringify(body) });
}

interface Row extends Bill {
  readonly provider?: string;
  readonly team?: string;
  readonly requests: number;
}

async function ledger(by: readonly string[]): Promise<readonly Row[]> {
  const response = await app.fetch(`/v1/spend?by=${by.join(",")}`);
  return ((await response.json()) as { readonly rows: readonly Row[] }).rows;
}

/** The ledger when everything has ended, of one team if it is named: each exchange is in it once. */
async function ledgerOf(count: number, by: readonly string[], team?: string): Promise<readonly Row[]> {
  let seen = 0;
  for (let looks = 0; looks < LOOKS_MAX; looks += 1) {
    const rows = (await ledger(by)).filter((row) => team === undefined || row.team === team);
    seen = rows.reduce((total, { requests }) => total + requests, 0);
    if (seen >= count && [...meters.values()].every(({ active }) => active === 0)) return rows;
    await nextTurn();
  }
  const active = [...meters].filter(([, meter]) => meter.active > 0).map(([name]) => name);
  return assert.fail(`wanted ${count} exchanges in the ledger, got ${seen}; under way: ${active.join(", ")}`);
}

/** What all upstreams counted so far. */
function bills(): Bill {
  return [...meters.values()].map((meter) => meter.bill()).reduce(sum);
}

function requestsSeen(): number {
  return [...meters.values()].reduce((total, { calls }) => total + calls.length, 0);
}

function sum(one: Bill, other: Bill): Bill {
  return { inputTokens: one.inputTokens + other.inputTokens, outputTokens: one.outputTokens + other.outputTokens };
}
