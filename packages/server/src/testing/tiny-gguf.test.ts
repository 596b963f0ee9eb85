import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, test } from "node:test";
import { startTestApp } from "../testing.ts";
import { writeTinyGguf } from "./tiny-gguf.ts";

// What models on this machine say, through the gateway's doors.

const folder = mkdtempSync(join(tmpdir(), "tutti-local-models-"));
writeTinyGguf(join(folder, "tiny.gguf"));
writeTinyGguf(join(folder, "vectors.gguf"), { kind: "embeddings" });
const app = await startTestApp({
  providers: [{ name: "gguf", kind: "llama-cpp", models: [], options: { folder, threads: 1, gpu: false } }],
});
after(async () => {
  await app[Symbol.asyncDispose]();
  rmSync(folder, { recursive: true });
});

interface Answer {
  readonly choices: readonly {
    readonly message: { readonly tool_calls?: readonly { readonly function: { readonly name: string; readonly arguments: string } }[] };
  }[];
  readonly data: readonly { readonly id: string; readonly embedding: readonly number[] }[];
  readonly usage: { readonly prompt_tokens: number; readonly completion_tokens: number };
}

async function answer(path: string, body?: unknown): Promise<Answer> {
  const response = await app.fetch(path, body);
  const text = await response.text();
  assert.equal(response.status, 200, text);
  return JSON.parse(text) as Answer;
}

const messages = [{ role: "user", content: "Hi" }];

test("models of GGUF files and the one that came with npm are listed beside others", async () => {
  const { data } = await answer("/v1/models");
  assert.deepEqual(
    data.map(({ id }) => id).filter((id) => ["tiny", "vectors", "en-512"].includes(id)),
    ["tiny", "vectors", "en-512"],
  );
});

test("a required tool is called through the chat door", async () => {
  const parameters = { type: "object", properties: { colour: { enum: ["red", "blue"] } }, required: ["colour"] };
  const tools = [{ type: "function", function: { name: "paint", description: "Paints.", parameters } }];
  const { choices, usage } = await answer("/v1/chat/completions", { model: "gguf/tiny", messages, tools, tool_choice: "required" });
  const call = choices[0]?.message.tool_calls?.[0]?.function;
  assert.equal(call?.name, "paint");
  assert.match(call.arguments, /^\{"colour":"(red|blue)"\}$/);
  assert.ok(usage.prompt_tokens > 0 && usage.completion_tokens > 0);
});

test("an answer is streamed through the chat door, and ends as it must", async () => {
  const response = await app.fetch("/v1/chat/completions", { model: "gguf/tiny", messages, max_tokens: 5, stream: true });
  const text = await response.text();
  assert.match(text, /"finish_reason":"length"/);
  assert.match(text, /data: \[DONE\]\n\n$/);
});

test("texts are embedded by both kinds of local models", async () => {
  const own = await answer("/v1/embeddings", { model: "local/en-512", input: ["one", "two"] });
  assert.deepEqual(
    own.data.map(({ embedding }) => embedding.length),
    [512, 512],
  );
  assert.ok(own.usage.prompt_tokens > 0);
  const file = await answer("/v1/embeddings", { model: "gguf/vectors", input: "one" });
  assert.equal(file.data[0]?.embedding.length, 64);
});
