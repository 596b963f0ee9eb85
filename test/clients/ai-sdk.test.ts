import assert from "node:assert/strict";
import { test } from "node:test";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { generateText, jsonSchema, stepCountIs, streamText, tool } from "ai";
import { addWithTool, startGateway, type GatewayFixture } from "./gateway.ts";

function modelOf(gateway: GatewayFixture, id = "test-model") {
  return createOpenAICompatible({ name: "tutti", baseURL: gateway.baseUrl, apiKey: gateway.app.token, includeUsage: true })(id);
}

const add = tool({
  description: "Adds two numbers.",
  inputSchema: jsonSchema<{ a: number; b: number }>({
    type: "object",
    properties: { a: { type: "number" }, b: { type: "number" } },
    required: ["a", "b"],
  }),
  execute: ({ a, b }) => Promise.resolve(a + b),
});

test("the AI SDK gets a whole answer with usage", async () => {
  await using gateway = await startGateway();
  const { text, usage, finishReason } = await generateText({ model: modelOf(gateway), prompt: "Hello there", maxRetries: 0 });
  assert.equal(text, "You said: Hello there");
  assert.equal(finishReason, "stop");
  assert.equal(usage.outputTokens, 4);
});

test("the AI SDK gets a stream with usage", async () => {
  await using gateway = await startGateway();
  const result = streamText({ model: modelOf(gateway), prompt: "Hello there", maxRetries: 0 });
  assert.equal((await Array.fromAsync(result.textStream)).join(""), "You said: Hello there");
  assert.equal((await result.usage).outputTokens, 4);
});

for (const mode of ["whole", "streamed"] as const) {
  test(`the AI SDK runs a tool and goes on with its result (${mode})`, async () => {
    await using gateway = await startGateway(addWithTool);
    const options = { model: modelOf(gateway), prompt: "What is 19 + 23?", tools: { add }, stopWhen: stepCountIs(3), maxRetries: 0 };
    const text = mode === "whole" ? (await generateText(options)).text : await streamText(options).text;
    assert.equal(text, "The sum is 42.");
  });
}

test("the AI SDK talks to an agent as to a model", async () => {
  await using gateway = await startGateway();
  const { text } = await generateText({ model: modelOf(gateway, "holly"), prompt: "Hello there", maxRetries: 0 });
  assert.equal(text, "You said: Hello there");
  const streamed = streamText({ model: modelOf(gateway, "holly"), prompt: "Hello there", maxRetries: 0 });
  assert.equal(await streamed.text, "You said: Hello there");
});
