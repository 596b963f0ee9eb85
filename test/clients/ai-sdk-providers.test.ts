import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { createAnthropic } from "@ai-sdk/anthropic";
import { createOpenAI } from "@ai-sdk/openai";
import { createOpenAICompatible } from "@ai-sdk/openai-compatible";
import { APICallError, generateText, jsonSchema, Output, stepCountIs, streamText, tool, type LanguageModel } from "ai";
import { MODELS, startThreeFormats, type ThreeFormats } from "./three-formats.ts";

let tutti: ThreeFormats;
before(async () => {
  tutti = await startThreeFormats();
});
after(() => tutti[Symbol.asyncDispose]());

const openai = (apiKey = tutti.app.token) => createOpenAI({ baseURL: tutti.baseUrl, apiKey });
const compatible = (apiKey = tutti.app.token) =>
  createOpenAICompatible({ name: "tutti", baseURL: tutti.baseUrl, apiKey, includeUsage: true, supportsStructuredOutputs: true });
/** `@ai-sdk/openai` speaks Responses unless it is told to chat. */
const PROVIDERS: Readonly<Record<string, (model: string, key?: string) => LanguageModel>> = {
  "@ai-sdk/openai": (model, key) => openai(key)(model),
  "@ai-sdk/openai's chat": (model, key) => openai(key).chat(model),
  "@ai-sdk/openai-compatible": (model, key) => compatible(key)(model),
  "@ai-sdk/anthropic": (model, key) => createAnthropic({ baseURL: tutti.baseUrl, apiKey: key ?? tutti.app.token })(model),
};

// `@ai-sdk/anthropic` warns of every model whose longest answer it does not know.
globalThis.AI_SDK_LOG_WARNINGS = false;

const add = tool({
  description: "Adds two numbers.",
  inputSchema: jsonSchema<{ a: number; b: number }>({
    type: "object",
    properties: { a: { type: "number" }, b: { type: "number" } },
    required: ["a", "b"],
    additionalProperties: false,
  }),
  execute: ({ a, b }) => Promise.resolve(a + b),
});
const city = jsonSchema<{ city: string; people: number }>({
  type: "object",
  properties: { city: { type: "string" }, people: { type: "integer" } },
  required: ["city", "people"],
  additionalProperties: false,
});

for (const [name, modelOf] of Object.entries(PROVIDERS)) {
  for (const id of MODELS) {
    test(`${name} gets ${id}'s answer, whole and streamed, with usage`, async () => {
      const ask = { model: modelOf(id), prompt: "Hello there", maxRetries: 0 };
      const { text, usage, finishReason } = await generateText(ask);
      assert.deepEqual([text, finishReason], ["You said: Hello there", "stop"]);
      assert.ok((usage.outputTokens ?? 0) > 0);
      const streamed = streamText(ask);
      assert.deepEqual(await Array.fromAsync(streamed.textStream), ["You ", "said: ", "Hello ", "there"]);
      assert.ok(((await streamed.usage).outputTokens ?? 0) > 0);
    });

    test(`${name} runs a tool for ${id} and goes on with its result, whole and streamed`, async () => {
      const ask = { model: modelOf(id), prompt: "What is 19 + 23?", tools: { add }, stopWhen: stepCountIs(3), maxRetries: 0 };
      assert.equal((await generateText(ask)).text, "The sum is 42.");
      assert.equal(await streamText(ask).text, "The sum is 42.");
    });

    test(`${name} gets what a schema wants from ${id}`, async () => {
      const ask = { model: modelOf(id), prompt: "The largest city of Austria?", maxRetries: 0 };
      const { output } = await generateText({ ...ask, output: Output.object({ schema: city }) });
      assert.deepEqual(output, { city: "Wien", people: 2_000_000 });
    });

    test(`${name} knows that ${id} may be asked again when it refuses`, async () => {
      await assert.rejects(generateText({ model: modelOf(id), prompt: "Please refuse.", maxRetries: 0 }), (error) => {
        assert.ok(APICallError.isInstance(error));
        assert.deepEqual([error.statusCode, error.isRetryable], [429, true]);
        assert.match(error.message, /Slow down\./);
        return true;
      });
    });
  }

  test(`${name} gets Tutti's own refusals`, async () => {
    const status = (error: unknown): number | undefined => (APICallError.isInstance(error) ? error.statusCode : undefined);
    const ask = (model: LanguageModel): Promise<unknown> => generateText({ model, prompt: "Hi", maxRetries: 0 });
    await assert.rejects(ask(modelOf("chat-model", "wrong")), (error) => status(error) === 401);
    await assert.rejects(ask(modelOf("no-such-model")), (error) => status(error) === 404);
  });
}
