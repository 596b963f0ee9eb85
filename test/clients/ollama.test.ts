import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Ollama } from "ollama";
import { startTestApp } from "../../packages/server/src/testing.ts";
import { startGateway } from "./gateway.ts";
import { MODELS, startThreeFormats, type ThreeFormats } from "./three-formats.ts";

let tutti: ThreeFormats;
let client: Ollama;
before(async () => {
  tutti = await startThreeFormats();
  client = clientFor(tutti.app.url, tutti.app.token);
});
after(() => tutti[Symbol.asyncDispose]());

const clientFor = (host: string, token: string): Ollama => new Ollama({ host, headers: { authorization: `Bearer ${token}` } });
const turn = (content: string) => ({ role: "user", content });
const number = { type: "number", description: "A number." };
const add = {
  type: "function",
  function: {
    name: "add",
    description: "Adds two numbers.",
    parameters: { type: "object", properties: { a: number, b: number }, required: ["a", "b"] },
  },
};
const city = {
  type: "object",
  properties: { city: { type: "string" }, people: { type: "integer" } },
  required: ["city", "people"],
  additionalProperties: false,
};

for (const model of MODELS) {
  test(`the ollama client gets ${model}'s answer, whole and streamed`, async () => {
    const whole = await client.chat({ model, messages: [turn("Hello there")], options: { num_predict: 100 } });
    assert.deepEqual([whole.message.content, whole.done, whole.done_reason], ["You said: Hello there", true, "stop"]);
    assert.ok(whole.eval_count > 0);
    const pieces = await Array.fromAsync(await client.chat({ model, messages: [turn("Hello there")], stream: true }));
    assert.deepEqual(
      pieces.map(({ message }) => message.content),
      ["You ", "said: ", "Hello ", "there", ""],
    );
    assert.equal(pieces.at(-1)?.done, true);
  });

  test(`the ollama client goes on from a prompt with ${model}`, async () => {
    const { response } = await client.generate({ model, prompt: "Hello there", system: "Be brief." });
    assert.equal(response, "You said: Hello there");
    const pieces = await Array.fromAsync(await client.generate({ model, prompt: "Hello there", stream: true }));
    assert.equal(pieces.map((piece) => piece.response).join(""), "You said: Hello there");
  });

  for (const stream of [false, true]) {
    test(`the ollama client runs a tool for ${model} and goes on with its result (streamed: ${stream})`, async () => {
      const ask = { model, messages: [turn("What is 19 + 23?")], tools: [add] };
      const answers = stream ? await Array.fromAsync(await client.chat({ ...ask, stream: true })) : [await client.chat(ask)];
      const calls = answers.flatMap(({ message }) => message.tool_calls ?? []);
      assert.deepEqual(
        calls.map((call) => [call.function.name, call.function.arguments]),
        [["add", { a: 19, b: 23 }]],
      );
      const said = { role: "assistant", content: "", tool_calls: calls };
      const result = { role: "tool", content: "42", tool_name: "add" };
      const { message } = await client.chat({ ...ask, messages: [...ask.messages, said, result] });
      assert.equal(message.content, "The sum is 42.");
    });
  }

  test(`the ollama client gets what a schema wants from ${model}`, async () => {
    const { message } = await client.chat({ model, messages: [turn("The largest city of Austria?")], format: city });
    assert.deepEqual(JSON.parse(message.content), { city: "Wien", people: 2_000_000 });
  });

  test(`the ollama client hears why ${model} refuses, whole and streamed`, async () => {
    const refused = (error: unknown): boolean =>
      error instanceof Error && "status_code" in error && error.status_code === 429 && /Slow down\./.test(error.message);
    await assert.rejects(client.chat({ model, messages: [turn("Please refuse.")] }), refused);
    await assert.rejects(client.chat({ model, messages: [turn("Please refuse.")], stream: true }), refused);
  });
}

test("the ollama client gets Tutti's own refusals", async () => {
  const refused = (status: number) => (error: unknown) => error instanceof Error && "status_code" in error && error.status_code === status;
  const ask = { model: "chat-model", messages: [turn("Hi")] };
  await assert.rejects(clientFor(tutti.app.url, "wrong").chat(ask), refused(401));
  await assert.rejects(client.chat({ ...ask, model: "no-such-model" }), refused(404));
  await assert.rejects(client.chat({ ...ask, messages: [{ role: "tool", content: "42" }] }), refused(400));
});

test("a key holds at Ollama's format as at the others", async () => {
  const made = await tutti.app.fetch("/v1/keys", { name: "narrow", models: ["chat-*"] });
  const { secret } = (await made.json()) as { readonly secret: string };
  const narrow = clientFor(tutti.app.url, secret);
  assert.deepEqual(
    (await narrow.list()).models.map(({ name }) => name),
    ["chat-model"],
  );
  assert.equal((await narrow.generate({ model: "chat-model", prompt: "Hi" })).response, "You said: Hi");
  await assert.rejects(
    narrow.generate({ model: "messages-model", prompt: "Hi" }),
    (error) => error instanceof Error && "status_code" in error && error.status_code === 403,
  );
});

test("the ollama client lists models, and is shown what is known of them", async () => {
  const names = (await client.list()).models.map(({ name }) => name);
  for (const model of MODELS) assert.ok(names.includes(model), `${model} is missing in ${names.join(", ")}`);
  assert.ok(Array.isArray((await client.show({ model: "chat-model" })).capabilities));
  await assert.rejects(client.show({ model: "no-such-model" }), /not found/);
  assert.match((await client.version()).version, /^\d+\.\d+\.\d+$/);
});

test("an ollama client that aborts a stream ends the upstream's work", async () => {
  const piece = `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content: "Hi" } }] })}\n\n`;
  const headers = { "content-type": "text/event-stream" };
  await using gateway = await startGateway(() => ({ type: "raw", status: 200, headers, chunks: [piece], ending: "silence" }));
  const leaving = clientFor(gateway.app.url, gateway.app.token);
  const stream = await leaving.chat({ model: "test-model", messages: [turn("Hi")], stream: true });
  for await (const { message } of stream) {
    assert.equal(message.content, "Hi");
    break;
  }
  stream.abort();
  const chat = gateway.upstream.calls.findIndex(({ method }) => method === "POST");
  await gateway.upstream.ended(chat + 1);
  assert.equal(gateway.upstream.calls[chat]?.isAborted, true);
});

test("the ollama client loads a model by asking it nothing", async () => {
  const { done, done_reason: reason } = await client.generate({ model: "chat-model", prompt: "" });
  assert.deepEqual([done, reason], [true, "load"]);
});

test("the ollama client gets embeddings", async () => {
  await using app = await startTestApp({ providers: [{ name: "local", kind: "local-embeddings", models: [] }] });
  const { embeddings } = await clientFor(app.url, app.token).embed({ model: "local/en-512", input: ["A cat.", "A dog."] });
  assert.deepEqual(
    embeddings.map(({ length }) => length),
    [512, 512],
  );
});
