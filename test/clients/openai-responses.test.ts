import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import OpenAI from "openai";
import { MODELS, startThreeFormats, type ThreeFormats } from "./three-formats.ts";

let tutti: ThreeFormats;
let client: OpenAI;
before(async () => {
  tutti = await startThreeFormats();
  client = new OpenAI({ baseURL: tutti.baseUrl, apiKey: tutti.app.token, maxRetries: 0 });
});
after(() => tutti[Symbol.asyncDispose]());

const parameters = {
  type: "object",
  properties: { a: { type: "number" }, b: { type: "number" } },
  required: ["a", "b"],
  additionalProperties: false,
};
const add = { type: "function" as const, name: "add", description: "Adds two numbers.", parameters, strict: true };
const city = {
  type: "object",
  properties: { city: { type: "string" }, people: { type: "integer" } },
  required: ["city", "people"],
  additionalProperties: false,
};

for (const model of MODELS) {
  test(`the openai client's responses: a whole answer from ${model}`, async () => {
    const response = await client.responses.create({ model, input: "Hello there" });
    assert.deepEqual([response.status, response.output_text], ["completed", "You said: Hello there"]);
    assert.ok((response.usage?.output_tokens ?? 0) > 0);
  });

  test(`the openai client's responses: a stream from ${model}`, async () => {
    const pieces: string[] = [];
    const stream = client.responses.stream({ model, input: "Hello there" });
    stream.on("response.output_text.delta", ({ delta }) => pieces.push(delta));
    assert.equal((await stream.finalResponse()).output_text, "You said: Hello there");
    assert.deepEqual(pieces, ["You ", "said: ", "Hello ", "there"]);
  });

  test(`the openai client's responses: a tool of ${model}'s, and its result by previous_response_id`, async () => {
    const first = await client.responses.create({ model, input: "What is 19 + 23?", tools: [add] });
    const call = first.output.find((item) => item.type === "function_call");
    assert.deepEqual([call?.name, call?.arguments], ["add", '{"a":19,"b":23}']);
    const result = { type: "function_call_output" as const, call_id: call?.call_id ?? "", output: "42" };
    const second = await client.responses.create({ model, previous_response_id: first.id, input: [result], tools: [add] });
    assert.equal(second.output_text, "The sum is 42.");
  });

  test(`the openai client's responses: what a schema wants from ${model}`, async () => {
    const format = { type: "json_schema" as const, name: "city", schema: city, strict: true };
    const response = await client.responses.create({ model, input: "The largest city of Austria?", text: { format } });
    assert.deepEqual(JSON.parse(response.output_text), { city: "Wien", people: 2_000_000 });
  });

  test(`the openai client's responses: its own error class when ${model} refuses`, async () => {
    for (const stream of [false, true]) {
      await assert.rejects(client.responses.create({ model, input: "Please refuse.", stream }), (error) => {
        assert.ok(error instanceof OpenAI.RateLimitError);
        assert.match(error.message, /Slow down\./);
        return true;
      });
    }
  });

  test(`the openai client's chat: a tool of ${model}'s, and its result`, async () => {
    const { strict, parameters: schema, ...named } = add;
    const tools = [
      { type: "function" as const, function: { name: named.name, description: named.description, parameters: schema, strict } },
    ];
    const question = { role: "user" as const, content: "What is 19 + 23?" };
    const first = await client.chat.completions.stream({ model, messages: [question], tools }).finalMessage();
    const [call] = first.tool_calls ?? [];
    assert.ok(call?.type === "function");
    const { id, type, function: target } = call;
    // What the client parsed beside the call is not for the model.
    const said = { id, type, function: { name: target.name, arguments: target.arguments } };
    const result = { role: "tool" as const, tool_call_id: id, content: "42" };
    const second = await client.chat.completions.create({
      model,
      tools,
      messages: [question, { role: "assistant", content: null, tool_calls: [said] }, result],
    });
    assert.equal(second.choices[0]?.message.content, "The sum is 42.");
  });

  test(`the openai client's chat: what a schema wants from ${model}`, async () => {
    const { choices } = await client.chat.completions.parse({
      model,
      messages: [{ role: "user", content: "The largest city of Austria?" }],
      response_format: { type: "json_schema", json_schema: { name: "city", schema: city, strict: true } },
    });
    assert.deepEqual(JSON.parse(choices[0]?.message.content ?? ""), { city: "Wien", people: 2_000_000 });
  });
}

test("the openai client's responses: its own error classes from Tutti", async () => {
  const stranger = new OpenAI({ baseURL: tutti.baseUrl, apiKey: "wrong", maxRetries: 0 });
  await assert.rejects(stranger.responses.create({ model: "chat-model", input: "Hi" }), OpenAI.AuthenticationError);
  await assert.rejects(client.responses.create({ model: "no-such-model", input: "Hi" }), OpenAI.NotFoundError);
});
