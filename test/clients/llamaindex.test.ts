import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { OpenAI } from "@llamaindex/openai";
import { tool } from "@llamaindex/core/tools";
import { z } from "zod";
import { MODELS, startThreeFormats, type ThreeFormats } from "./three-formats.ts";

let tutti: ThreeFormats;
before(async () => {
  tutti = await startThreeFormats();
});
after(() => tutti[Symbol.asyncDispose]());

const modelOf = (model: string, apiKey = tutti.app.token): OpenAI => new OpenAI({ model, apiKey, baseURL: tutti.baseUrl, maxRetries: 0 });
const turn = (content: string) => ({ role: "user" as const, content });
const add = tool({
  name: "add",
  description: "Adds two numbers.",
  parameters: z.object({ a: z.number(), b: z.number() }),
  execute: ({ a, b }) => String(a + b),
});

for (const model of MODELS) {
  test(`LlamaIndex gets ${model}'s answer, whole and streamed`, async () => {
    const whole = await modelOf(model).chat({ messages: [turn("Hello there")] });
    assert.equal(whole.message.content, "You said: Hello there");
    const stream = await modelOf(model).chat({ messages: [turn("Hello there")], stream: true });
    const pieces = (await Array.fromAsync(stream)).map(({ delta }) => delta).filter((delta) => delta !== "");
    assert.deepEqual(pieces, ["You ", "said: ", "Hello ", "there"]);
  });

  test(`LlamaIndex runs a tool for ${model} and goes on with its result, whole and streamed`, async () => {
    const ask = { messages: [turn("What is 19 + 23?")], tools: [add] };
    const whole = await modelOf(model).exec(ask);
    assert.deepEqual([whole.toolCalls.map(({ name, input }) => [name, input])], [[["add", { a: 19, b: 23 }]]]);
    const after = await modelOf(model).exec({ messages: [...ask.messages, ...whole.newMessages], tools: [add] });
    assert.equal(after.newMessages.at(-1)?.content, "The sum is 42.");
    const streamed = await modelOf(model).exec({ ...ask, stream: true });
    await Array.fromAsync(streamed.stream);
    assert.deepEqual(
      streamed.toolCalls.map(({ name }) => name),
      ["add"],
    );
  });

  test(`LlamaIndex gets what a schema wants from ${model}`, async () => {
    const json_schema = { name: "city", schema: { type: "object", properties: { city: { type: "string" } }, additionalProperties: false } };
    const { message } = await modelOf(model).chat({
      messages: [turn("The largest city of Austria?")],
      responseFormat: { type: "json_schema", json_schema },
    });
    assert.ok(typeof message.content === "string");
    assert.partialDeepStrictEqual(JSON.parse(message.content), { city: "Wien" });
  });
}

test("LlamaIndex hears of refusals: an upstream's, and Tutti's own", async () => {
  const status = (expected: number) => (error: unknown) => {
    assert.ok(error instanceof Error && "status" in error, String(error));
    assert.equal(error.status, expected);
    return true;
  };
  await assert.rejects(modelOf("messages-model").chat({ messages: [turn("Please refuse.")] }), status(429));
  await assert.rejects(modelOf("no-such-model").chat({ messages: [turn("Hi")] }), status(404));
  await assert.rejects(modelOf("chat-model", "wrong").chat({ messages: [turn("Hi")] }), status(401));
});
