import assert from "node:assert/strict";
import { test } from "node:test";
import { ChatOpenAI } from "@langchain/openai";
import { addWithTool, startGateway, type GatewayFixture } from "./gateway.ts";

function modelOf(gateway: GatewayFixture, model = "test-model"): ChatOpenAI {
  return new ChatOpenAI({ model, apiKey: gateway.app.token, configuration: { baseURL: gateway.baseUrl }, maxRetries: 0 });
}

test("LangChain gets a whole answer with usage", async () => {
  await using gateway = await startGateway();
  const answer = await modelOf(gateway).invoke("Hello there");
  assert.equal(answer.text, "You said: Hello there");
  assert.partialDeepStrictEqual(answer.usage_metadata, { output_tokens: 4 });
});

test("LangChain gets a stream", async () => {
  await using gateway = await startGateway();
  const pieces = await Array.fromAsync(await modelOf(gateway).stream("Hello there"));
  assert.equal(pieces.map(({ text }) => text).join(""), "You said: Hello there");
  assert.partialDeepStrictEqual(pieces.reduce((sum, piece) => sum.concat(piece)).usage_metadata, { output_tokens: 4 });
});

test("LangChain gets tool calls, whole and streamed", async () => {
  await using gateway = await startGateway(addWithTool);
  const add = {
    type: "function" as const,
    function: { name: "add", parameters: { type: "object", properties: { a: { type: "number" }, b: { type: "number" } } } },
  };
  const model = modelOf(gateway).bindTools([add]);
  const whole = await model.invoke("What is 19 + 23?");
  assert.deepEqual(
    whole.tool_calls?.map(({ name, args }) => [name, args]),
    [["add", { a: 19, b: 23 }]],
  );
  const pieces = await Array.fromAsync(await model.stream("What is 19 + 23?"));
  const streamed = pieces.reduce((sum, piece) => sum.concat(piece));
  assert.deepEqual(
    streamed.tool_calls?.map(({ name, args }) => [name, args]),
    [["add", { a: 19, b: 23 }]],
  );
});

test("LangChain talks to an agent as to a model", async () => {
  await using gateway = await startGateway();
  assert.equal((await modelOf(gateway, "holly").invoke("Hello there")).text, "You said: Hello there");
  const pieces = await Array.fromAsync(await modelOf(gateway, "holly").stream("Hello there"));
  assert.equal(pieces.map(({ text }) => text).join(""), "You said: Hello there");
});
