import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { setImmediate as turn, setTimeout as pause } from "node:timers/promises";
import { test } from "node:test";
import fc from "fast-check";
import { Embedder, TOKENS_MAX } from "../local/embedder.ts";
import type { OpenProvider } from "../provider-kind.ts";
import type { Embeddings } from "../requests.ts";
import { localEmbeddings } from "./local-embeddings.ts";

const signal = new AbortController().signal;

interface Opened extends AsyncDisposable {
  readonly provider: OpenProvider;
  embed(inputs: readonly string[], signal?: AbortSignal): Promise<Embeddings>;
}

function open(idleMs = 300_000): Opened {
  const provider = localEmbeddings.open({
    provider: { name: "local", kind: "local-embeddings", models: [], options: { idleMs } },
    get upstream(): never {
      throw new Error("a local model has no upstream");
    },
    log: () => {},
  });
  return {
    provider,
    embed: async (inputs, aborted = signal) => (await provider.embed?.("en-512", { inputs }, aborted)) ?? assert.fail(),
    [Symbol.asyncDispose]: async () => provider.close?.(),
  };
}

function similarity(one: ArrayLike<number> = [], other: ArrayLike<number> = []): number {
  return Array.from(one).reduce((sum, value, index) => sum + value * (other[index] ?? 0), 0);
}

test("texts that mean the same are nearer to each other than to others", async () => {
  await using local = open();
  const { vectors } = await local.embed(["How do I reset my password?", "I forgot my login credentials.", "The cat sat on the mat."]);
  assert.ok(similarity(vectors[0], vectors[1]) > similarity(vectors[0], vectors[2]) + 0.2);
});

test("each text has a vector of 512 numbers and length 1, the same whatever is embedded beside it", async () => {
  await using local = open();
  const texts = Array.from({ length: 40 }, (_, index) => `Text ${index} ${"goes on and on ".repeat(index)}`);
  const { vectors } = await local.embed(texts);
  assert.deepEqual(new Set(vectors.map(({ length }) => length)), new Set([512]));
  const alone = await local.embed([texts[17] ?? ""]);
  for (const vector of [...vectors, ...alone.vectors]) assert.ok(Math.abs(similarity(vector, vector) - 1) < 1e-5);
  assert.ok(similarity(vectors[17], alone.vectors[0]) > 0.99999);
  assert.ok(similarity(vectors[16], alone.vectors[0]) < 0.99999);
});

test("the tokens that were read are counted, and of a long text no more are read than the model takes", async () => {
  await using local = open();
  const short = await local.embed(["hello world", "hello world"]);
  assert.deepEqual(short.usage, { inputTokens: 6, outputTokens: 0 });
  const long = await local.embed(["word ".repeat(100_000)]);
  assert.deepEqual(long.usage, { inputTokens: TOKENS_MAX, outputTokens: 0 });
});

test("the event loop goes on while texts are embedded", async () => {
  await using local = open();
  let turns = 0;
  let isDone = false;
  const embedding = local.embed(Array.from({ length: 4 }, () => "many words ".repeat(100))).finally(() => (isDone = true));
  while (!isDone) {
    await turn();
    turns += 1;
  }
  await embedding;
  assert.ok(turns > 100, `the loop turned ${turns} times`);
});

test("requests take turns, so that a short one does not wait for a long one's end", async () => {
  await using local = open();
  const order: string[] = [];
  const long = local.embed(Array.from({ length: 200 }, (_, index) => `text ${index}`)).then(() => order.push("long"));
  const short = local.embed(["short"]).then(() => order.push("short"));
  await Promise.all([long, short]);
  assert.deepEqual(order, ["short", "long"]);
});

test("a request that is given up ends at once, and the others go on", async () => {
  await using local = open();
  const controller = new AbortController();
  const given = local.embed(
    Array.from({ length: 500 }, () => "given up"),
    controller.signal,
  );
  const kept = local.embed(["kept"]);
  controller.abort();
  await assert.rejects(given, { code: "cancelled" });
  assert.equal((await kept).vectors.length, 1);
  await assert.rejects(local.embed(["late"], controller.signal), { code: "cancelled" });
});

test("a process that is killed fails what it was asked with upstream, and the next request starts another", async () => {
  const embedder = new Embedder(300_000);
  try {
    await embedder.embed(["warm"], signal);
    const lost = embedder.embed(["lost ".repeat(500)], signal);
    process.kill(embedder.processId ?? assert.fail(), "SIGKILL");
    await assert.rejects(lost, { code: "upstream", message: /process that ended \(SIGKILL\)/ });
    assert.equal((await embedder.embed(["again"], signal)).vectors.length, 1);
  } finally {
    await embedder.close();
  }
});

test("the model is loaded by the first text, and leaves the memory when there was none for a while", async () => {
  await using local = open(1);
  const isLoaded = async (): Promise<boolean | undefined> => (await local.provider.discover?.(signal))?.[0]?.isLoaded;
  assert.equal(await isLoaded(), false);
  await local.embed(["here I am"]);
  while (await isLoaded()) await pause(5);
  assert.equal((await local.embed(["and here again"])).vectors.length, 1);
});

test("more texts than may wait are refused with overloaded, and those that wait are answered", async () => {
  await using local = open();
  const waiting = local.embed(Array.from({ length: 8 }, () => "waits"));
  await assert.rejects(local.embed(Array.from({ length: 8_192 }, () => "too many")), { code: "overloaded", message: /at most 8192/ });
  assert.equal((await waiting).vectors.length, 8);
});

test("what the model cannot do is refused with what to do", async () => {
  await using local = open();
  const embed: NonNullable<OpenProvider["embed"]> = (...asked) => local.provider.embed?.(...asked) ?? assert.fail();
  await assert.rejects(embed("en-512", { inputs: ["fine", ""] }, signal), { code: "invalid_input", message: /empty one \(the 2\. of 2\)/ });
  await assert.rejects(embed("en-512", { inputs: ["fine"], dimensions: 256 }, signal), { code: "unsupported", message: /512/ });
  await assert.rejects(embed("de-512", { inputs: ["fine"] }, signal), { code: "model_not_found" });
  assert.throws(() => open(-1), { code: "invalid_config", message: /idleMs/ });
});

test("whatever the texts hold, there is a finite vector for each", async () => {
  await using local = open();
  const texts = fc.array(fc.oneof(fc.string({ unit: "binary", minLength: 1 }), fc.string({ unit: "grapheme", minLength: 1 })), {
    minLength: 1,
    maxLength: 5,
  });
  await fc.assert(
    fc.asyncProperty(texts, async (inputs) => {
      const { vectors } = await local.embed(inputs);
      assert.equal(vectors.length, inputs.length);
      for (const vector of vectors) assert.ok(vector.length === 512 && vector.every(Number.isFinite));
    }),
    { numRuns: 60 },
  );
});

test("a process that ends takes its model's process with it", () => {
  const script = `
    const { Embedder } = await import(${JSON.stringify(new URL("../local/embedder.ts", import.meta.url).href)});
    const embedder = new Embedder(300_000);
    await embedder.embed(["hello"], new AbortController().signal);
    console.log(embedder.processId);
  `;
  // The model's process has the same standard error, which is read to its end: were it still there, this would not return.
  const id = Number(execFileSync(process.execPath, ["--input-type=module", "-e", script], { encoding: "utf8", timeout: 300_000 }));
  assert.ok(id > 0);
});
