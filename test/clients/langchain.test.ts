import assert from "node:assert/strict";
import { test } from "node:test";
import { ChatOpenAI } from "@langchain/openai";
import { HumanMessage, ToolMessage } from "@langchain/core/messages";
import { addWithTool, startGateway, type GatewayFixture } from "./gateway.ts";
import { MODELS, startThreeFormats } from "./three-formats.ts";

function modelOf(gateway: Pick<GatewayFixture, "app" | "baseUrl">, model = "test-model"): ChatOpenAI {
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

for (const model of MODELS) {
  test(`LangChain runs a tool for ${model}, gets what a schema wants, and hears of refusals`, async () => {
    await using tutti = await startThreeFormats();
    const parameters = { type: "object", properties: { a: { type: "number" }, b: { type: "number" } }, required: ["a", "b"] };
    const bound = modelOf(tutti, model).bindTools([{ type: "function", function: { name: "add", description: "Adds.", parameters } }]);
    const question = new HumanMessage("What is 19 + 23?");
    const first = await bound.invoke([question]);
    const result = new ToolMessage({ content: "42", tool_call_id: first.tool_calls?.[0]?.id ?? "" });
    assert.equal((await bound.invoke([question, first, result])).text, "The sum is 42.");
    const city = {
      type: "object",
      properties: { city: { type: "string" }, people: { type: "integer" } },
      required: ["city", "people"],
      additionalProperties: false,
    };
    const structured = modelOf(tutti, model).withStructuredOutput(city, { name: "city", method: "jsonSchema", strict: true });
    assert.deepEqual(await structured.invoke("The largest city of Austria?"), { city: "Wien", people: 2_000_000 });
    await assert.rejects(
      modelOf(tutti, model).invoke("Please refuse."),
      (error) => error instanceof Error && "status" in error && error.status === 429,
    );
  });
}
