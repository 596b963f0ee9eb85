import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { NOMIC, QWEN, startOllamaUpstream, type OllamaReply, type OllamaUpstream } from "../../testing/ollama-upstream.ts";
import { openWorkplace, type Workplace } from "../testing/tutti-process.ts";

let ollama: OllamaUpstream;
let place: Workplace;

/** It says what each of the tiny questions asks for. */
function script(body: { readonly tools?: unknown; readonly response_format?: unknown }): OllamaReply {
  if (body.tools !== undefined) {
    const call = { id: "call_1", index: 0, type: "function", function: { name: "get_weather", arguments: '{"city":"Rome"}' } };
    return { type: "answer", pieces: [{ tool_calls: [call] }], finishReason: "tool_calls" };
  }
  const words = body.response_format === undefined ? ["Hel", "lo"] : ['{"ok":', "true}"];
  return { type: "answer", pieces: words.map((content) => ({ content })), usage: { prompt_tokens: 3, completion_tokens: 2 } };
}

before(async () => {
  ollama = await startOllamaUpstream({ models: [QWEN, NOMIC], library: [{ ...QWEN, name: "small:latest" }], script });
  place = await openWorkplace({
    "tutti.yaml": `
providers:
  - { name: ollama, kind: ollama, baseUrl: "${ollama.baseUrl}" }
models:
  gpt-4o: ollama/qwen2.5:latest
  smart:
    strategy: least-busy
    targets:
      - ollama/qwen2.5:latest
      - { model: ollama/nomic-embed-text:latest, tags: [cheap] }
    rules:
      - { id: sums, match: "\\\\d+ *[+*]", target: ollama/qwen2.5:latest, reason: it is about sums }
`,
  });
  await place.start(["up"]).printed("docs");
});

after(async () => {
  await place[Symbol.asyncDispose]();
  await ollama[Symbol.asyncDispose]();
});

test("models are listed with what they can do, and one is shown with all that is known of it", async () => {
  const { stdout } = await place.run(["models"]);
  assert.match(stdout, /^MODEL +CAN +CONTEXT +PRICE IN\/OUT +HEALTH/);
  assert.match(stdout, /\nollama\/qwen2\.5:latest +chat json tools +33k .* gpt-4o, smart\n/);
  assert.match(stdout, /\nollama\/nomic-embed-text:latest +embeddings +2k /);
  const shown = await place.run(["models", "show", "qwen2.5"]);
  assert.match(shown.stdout, /^model +ollama\/qwen2\.5:latest\nprovider +ollama\ncan +chat, json, tools\ncontext +32768 tokens\n/);
  assert.match(shown.stdout, /\nversion +sha256:845dbda0ea48/);
  const named = await place.run(["models", "show", "smart"]);
  assert.match(named.stdout, /^named model +smart\nstrategy +least-busy\ntarget +ollama\/qwen2\.5:latest\n/);
  assert.match((await place.run(["models", "list", "--provider", "nobody"])).stdout, /^No provider is called nobody; there are: ollama/);
  assert.match((await place.run(["models", "show", "nothing"])).stderr, /\[model_not_found\]/);
});

test("named models are listed, and where a request would go is explained", async () => {
  const listed = await place.run(["models", "routes"]);
  assert.match(
    listed.stdout,
    /\ngpt-4o +alias +- +ollama\/qwen2\.5:latest\nsmart +least-busy +rules +ollama\/qwen2\.5:latest, ollama\/nomic/,
  );
  const { stdout } = await place.run([
    "models",
    "explain",
    "smart",
    "--prompt-tokens",
    "12_000",
    "--needs",
    "tools",
    "--text",
    "What is 2 + 2?",
  ]);
  assert.match(stdout, /^smart: rule sums \(confidence 1\): it is about sums; the least busy first\n/);
  assert.match(stdout, /\n1 +ollama\/qwen2\.5:latest +rule sums .*\n- +ollama\/nomic-embed-text:latest +left out: it cannot do tools\n/);
  assert.match(stdout, /\nat most 3 attempts\n$/);
  const { stderr, code } = await place.run(["models", "explain", "smart", "--needs", "vision"]);
  assert.match(stderr, /it cannot do vision/);
  assert.equal(code, 1);
});

test("a model is pulled, loaded, unloaded and removed", async () => {
  assert.match((await place.run(["models", "pull", "ollama/small"])).stdout, /^pulled {2}ollama\/small \(success\)\n$/);
  assert.match((await place.run(["models", "load", "small", "--keep-alive", "2m"])).stdout, /^loaded {2}small\n$/);
  assert.equal(ollama.loaded.get("small:latest"), "120000ms");
  assert.match((await place.run(["models", "unload", "small"])).stdout, /^unloaded {2}small\n$/);
  assert.match((await place.run(["models", "remove", "small"])).stdout, /^removed {2}small\n$/);
  assert.deepEqual(ollama.names, ["qwen2.5:latest", "nomic-embed-text:latest"]);
  const { stderr, code } = await place.run(["models", "pull", "ollama/nope"]);
  assert.match(stderr, /pull model manifest: file does not exist; is its name right/);
  assert.equal(code, 1);
  assert.match((await place.run(["models", "load", "small", "--keep-alive", "soon"])).stderr, /Wanted a duration such as 90s/);
});

test("with --json a pull's progress comes one document a line", async () => {
  const { stdout } = await place.run(["models", "pull", "ollama/small", "--json"]);
  const lines = stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as { readonly totalBytes?: number; readonly pulled?: string });
  assert.ok(lines.some(({ totalBytes }) => totalBytes === 4_000_000));
  assert.equal(lines.at(-1)?.pulled, "ollama/small");
  await place.run(["models", "remove", "small"]);
});

test("a model is asked one tiny question for each thing that it may do", async () => {
  const { stdout, code } = await place.run(["models", "test", "qwen2.5"]);
  assert.match(stdout, /\n✓ chat +[\d.]+ m?s +"Hello"\n✓ streaming +[\d.]+ m?s +\d+ chunks: "Hello"\n/);
  assert.match(stdout, /\n✓ tools .*get_weather\(\{"city":"Rome"\}\)\n✓ JSON .*\{"ok":true\}\n… embeddings +- +it cannot do it\n$/);
  assert.equal(code, 0);
  const embeddings = await place.run(["models", "test", "ollama/nomic-embed-text:latest"]);
  assert.match(embeddings.stdout, /\n… chat +- +it cannot do it\n[^✗]*✓ embeddings .* 8 dimensions\n$/);
});

test("a model's speed is measured at a given concurrency", async () => {
  const result = await place.json<{
    readonly requests: number;
    readonly failures: number;
    readonly firstTokenMs: { readonly p50: number };
  }>(["models", "bench", "gpt-4o", "--requests", "6", "--concurrency", "3"]);
  assert.deepEqual([result.requests, result.failures], [6, 0]);
  assert.ok(result.firstTokenMs.p50 > 0);
  const { stdout } = await place.run(["models", "bench", "gpt-4o", "--requests", "2"]);
  assert.match(
    stdout,
    /^MEASURED +P50 +P90 +P99\nfirst token .*\nwhole answer .*\ntokens\/s of one .*\n2 requests, 1 at once, in .* 0 failed\n$/,
  );
  const { stderr, code } = await place.run(["models", "bench", "nobody-has-this/at/all"]);
  assert.ok(code === 1 && stderr.length > 0);
});
