import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { callsOf, makeClient, spendOf, type GatewayClient } from "../../testing/gateway-client.ts";
import { startGate, type Gate } from "../../testing/gate.ts";
import { startOpenAiUpstream, type OpenAiUpstream } from "../../testing/openai-upstream.ts";
import type { Script } from "../../testing/openai-answers.ts";
import { openSession } from "../../testing/responses-client.ts";
import { startTestApp, type TestApp } from "../../testing.ts";

/** A Tutti before a provider whose answers wait at a gate. */
interface Bench extends AsyncDisposable {
  readonly upstream: OpenAiUpstream;
  readonly gate: Gate;
  readonly app: TestApp;
}

async function start(script?: Script): Promise<Bench> {
  await using starting = new AsyncDisposableStack();
  const upstream = starting.use(await startOpenAiUpstream(script));
  const gate = starting.use(await startGate(upstream.baseUrl));
  const app = starting.use(await startTestApp({ providers: [{ name: "p", baseUrl: gate.baseUrl, models: ["m"] }] }));
  const started = starting.move();
  return { upstream, gate, app, [Symbol.asyncDispose]: () => started.disposeAsync() };
}

const hi = [{ role: "user", content: "Hi" }];
const long = "word ".repeat(4_000);
const budgetOf = (tokens: number): object => ({ limits: { budgets: [{ tokens, per: "total" }] } });

const LET_IN = "both were let in" as const;

/** Asks the same twice at once; the budget has room for one of them. */
async function askTwice({ gate, app }: Bench, path: string, body: object): Promise<number | typeof LET_IN> {
  const client = await makeClient(app, budgetOf(10_000));
  const leaving = new AbortController();
  const { signal } = leaving;
  const before = gate.count;
  const first = client.ask(path, { model: "m", ...body }, { signal });
  await gate.arrived(before + 1);
  const second = client.ask(path, { model: "m", ...body }, { signal });
  const outcome = await Promise.race([second.then(({ status }) => status), gate.arrived(before + 2).then((): typeof LET_IN => LET_IN)]);
  leaving.abort();
  await Promise.allSettled([first, second]);
  return outcome;
}

describe("what a budget sets aside is what a request can spend", () => {
  test("however a request says how long its answers may be, and how many", async () => {
    await using bench = await start();
    const cases: readonly (readonly [path: string, body: object])[] = [
      ["/v1/chat/completions", { messages: hi, max_tokens: 60, n: 100 }],
      ["/v1/chat/completions", { messages: hi, max_tokens: 6_000, max_output_tokens: 1 }],
      ["/v1/chat/completions", { messages: hi, max_tokens: 6_000, max_completion_tokens: 1 }],
      ["/v1/messages", { messages: hi, max_tokens: 6_000, max_completion_tokens: 1 }],
      ["/v1/responses", { input: "Hi", max_output_tokens: 6_000, max_tokens: 1 }],
      ["/v1/completions", { prompt: "Hi", max_tokens: 60, best_of: 100 }],
      ["/v1/completions", { prompt: Array.from({ length: 100 }, () => "Hi"), max_tokens: 60 }],
    ];
    for (const [path, body] of cases) assert.equal(await askTwice(bench, path, body), 429, `${path} ${JSON.stringify(body).slice(0, 100)}`);
  });

  test("a longer answer than is usual is set aside in full when a model's limit is not known", async () => {
    await using bench = await start();
    assert.equal(await askTwice(bench, "/v1/chat/completions", { messages: hi, max_tokens: 9_000 }), 429);
  });

  test("a long prompt counts on a WebSocket too, on every lane at once", async () => {
    await using bench = await start();
    const client = await makeClient(bench.app, budgetOf(14_000));
    using session = await openSession(bench.app, { authorization: `Bearer ${client.secret}` });
    const turn = { type: "response.create", model: "m", store: false, input: long, max_output_tokens: 10 };
    session.send(JSON.stringify({ ...turn, stream_id: "a" }));
    await bench.gate.arrived(1);
    for (const lane of ["b", "c"]) session.send(JSON.stringify({ ...turn, stream_id: lane }));
    const refused = new Set<string>();
    const bothIn = bench.gate.arrived(3).then(() => undefined);
    while (bench.gate.count < 3) {
      const event = await Promise.race([session.next(), bothIn]);
      if (event?.type === "error") refused.add(event.error.code ?? "");
      if (refused.size > 0) break;
    }
    assert.deepEqual([...refused], ["rate_limited"]);
  });
});

describe("whoever asks pays", () => {
  for (const [path, body] of [
    ["/v1/chat/completions", { messages: [{ role: "user", content: long }] }],
    ["/v1/messages", { messages: [{ role: "user", content: long }], max_tokens: 50 }],
    ["/v1/responses", { input: long, stream: true }],
  ] as const) {
    test(`for the prompt, when they leave before the first byte of an answer: ${path}`, async () => {
      await using bench = await start();
      const client = await makeClient(bench.app, budgetOf(1_000_000));
      using calls = callsOf(bench.app);
      const leaving = new AbortController();
      const asked = client.ask(path, { model: "m", ...body }, { signal: leaving.signal });
      await bench.gate.arrived(1);
      leaving.abort();
      await assert.rejects(asked);
      const spend = spendOf(await calls.next());
      assert.ok((spend?.usage.inputTokens ?? 0) >= 4_000, JSON.stringify(spend));
      assert.equal(spend?.isEstimated, true);
    });
  }

  test("for what came, when a translated provider does not say how much that was", async () => {
    const said = "lorem ipsum dolor ".repeat(300);
    const choice = { index: 0, finish_reason: "stop" };
    const head = { id: "c", created: 1, model: "m" };
    await using bench = await start(({ stream }) => {
      const piece = { ...head, object: "chat.completion.chunk", choices: [{ ...choice, delta: { content: said } }] };
      const whole = { ...head, object: "chat.completion", choices: [{ ...choice, message: { role: "assistant", content: said } }] };
      return stream === true
        ? {
            type: "raw",
            status: 200,
            headers: { "content-type": "text/event-stream" },
            chunks: [`data: ${JSON.stringify(piece)}\n\ndata: [DONE]\n\n`],
            ending: "end",
          }
        : { type: "raw", status: 200, headers: { "content-type": "application/json" }, chunks: [JSON.stringify(whole)], ending: "end" };
    });
    bench.gate.open();
    const client = await makeClient(bench.app, budgetOf(1_000_000));
    using calls = callsOf(bench.app);
    for (const stream of [false, true])
      for (const [path, body] of [
        ["/v1/messages", { messages: [{ role: "user", content: long }], max_tokens: 5_000 }],
        ["/v1/responses", { input: long }],
      ] as const) {
        const answer = await client.ask(path, { model: "m", stream, ...body });
        assert.equal(answer.status, 200);
        await answer.text();
        const spend = spendOf(await calls.next());
        assert.ok(spend !== undefined && spend.usage.inputTokens >= 4_000 && spend.usage.outputTokens >= 600, `${path} ${stream}`);
        assert.equal(spend.isEstimated, true);
      }
  });
});

test("a batch does not outlive the key that it was begun with", async () => {
  await using bench = await start();
  const { app, gate } = bench;
  // The owner looks on when the key may not any more.
  const client = await makeClient(app, { tenant: "default" });
  const lines = Array.from({ length: 200 }, (_, index) =>
    JSON.stringify({ custom_id: `${index}`, method: "POST", url: "/v1/chat/completions", body: { model: "m", messages: hi } }),
  );
  const batch = await beginBatch(client, app, lines.join("\n"));
  await gate.arrived(1);
  const revoked = await app.fetch(`/v1/keys/${client.keyId}/revoke`, {});
  assert.equal(revoked.status, 200);
  const begunBefore = gate.count;
  gate.open();
  for (;;) {
    const happened = Promise.withResolvers<void>();
    using _ = app.app.engine.subscribe(({ type }) => type.startsWith("run.") && happened.resolve());
    const kept = await app.fetch(`/v1/batches/${batch}`);
    assert.equal(kept.status, 200);
    const { status } = (await kept.json()) as { readonly status: string };
    if (!["validating", "in_progress", "finalizing"].includes(status)) break;
    await happened.promise;
  }
  // Lines that had been let in by then may be on their way.
  assert.ok(gate.count <= begunBefore + 32, `${gate.count} calls, ${begunBefore} of them before`);
});

async function beginBatch(client: GatewayClient, app: TestApp, lines: string): Promise<string> {
  const form = new FormData();
  form.set("purpose", "batch");
  form.set("file", new Blob([lines]), "in.jsonl");
  const uploaded = await fetch(new URL("/v1/files", app.url), {
    method: "POST",
    headers: { authorization: `Bearer ${client.secret}` },
    body: form,
  });
  const { id } = (await uploaded.json()) as { readonly id: string };
  const made = await client.ask("/v1/batches", { input_file_id: id, endpoint: "/v1/chat/completions", completion_window: "24h" });
  assert.equal(made.status, 200);
  return ((await made.json()) as { readonly id: string }).id;
}
