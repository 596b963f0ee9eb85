import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import Anthropic from "@anthropic-ai/sdk";
import { MODELS, startThreeFormats, type ThreeFormats } from "./three-formats.ts";

let tutti: ThreeFormats;
let client: Anthropic;
before(async () => {
  tutti = await startThreeFormats();
  client = new Anthropic({ baseURL: tutti.app.url, apiKey: tutti.app.token, maxRetries: 0 });
});
after(() => tutti[Symbol.asyncDispose]());

const ask = (model: string, content = "Hello there") => ({ model, max_tokens: 1_000, messages: [{ role: "user" as const, content }] });
const add: Anthropic.Tool = {
  name: "add",
  description: "Adds two numbers.",
  input_schema: { type: "object", properties: { a: { type: "number" }, b: { type: "number" } }, required: ["a", "b"] },
};
const saidIn = (message: Anthropic.Message): string => message.content.map((block) => (block.type === "text" ? block.text : "")).join("");

for (const model of MODELS) {
  test(`the Anthropic client gets a whole answer from ${model}`, async () => {
    const message = await client.messages.create(ask(model));
    assert.equal(saidIn(message), "You said: Hello there");
    assert.equal(message.stop_reason, "end_turn");
    assert.ok(message.usage.output_tokens > 0);
  });

  test(`the Anthropic client gets a stream from ${model}`, async () => {
    const pieces: string[] = [];
    const stream = client.messages.stream(ask(model)).on("text", (text) => pieces.push(text));
    assert.equal(saidIn(await stream.finalMessage()), "You said: Hello there");
    assert.deepEqual(pieces, ["You ", "said: ", "Hello ", "there"]);
  });

  test(`the Anthropic client runs a tool for ${model} and goes on with its result`, async () => {
    const first = await client.messages.stream({ ...ask(model, "What is 19 + 23?"), tools: [add] }).finalMessage();
    const call = first.content.find((block) => block.type === "tool_use");
    assert.deepEqual([first.stop_reason, call?.name, call?.input], ["tool_use", "add", { a: 19, b: 23 }]);
    const result = { type: "tool_result" as const, tool_use_id: call?.id ?? "", content: "42" };
    const second = await client.messages.create({
      ...ask(model),
      tools: [add],
      messages: [
        { role: "user", content: "What is 19 + 23?" },
        { role: "assistant", content: first.content },
        { role: "user", content: [result] },
      ],
    });
    assert.equal(saidIn(second), "The sum is 42.");
  });

  test(`the Anthropic client gets what a schema wants from ${model}`, async () => {
    const schema = {
      type: "object",
      properties: { city: { type: "string" }, people: { type: "integer" } },
      required: ["city", "people"],
      additionalProperties: false,
    };
    const message = await client.messages.parse({
      ...ask(model, "The largest city of Austria?"),
      output_config: { format: { type: "json_schema", schema } },
    });
    assert.deepEqual(JSON.parse(saidIn(message)), { city: "Wien", people: 2_000_000 });
  });

  test(`the Anthropic client gets its own error class when ${model} refuses`, async () => {
    for (const stream of [false, true]) {
      await assert.rejects(client.messages.create({ ...ask(model, "Please refuse."), stream }), (error) => {
        assert.ok(error instanceof Anthropic.RateLimitError);
        assert.equal(error.type, "rate_limit_error");
        assert.match(error.message, /Slow down\./);
        return true;
      });
    }
  });
}

test("the Anthropic client gets its own error classes from Tutti", async () => {
  const stranger = new Anthropic({ baseURL: tutti.app.url, apiKey: "wrong", maxRetries: 0 });
  await assert.rejects(stranger.messages.create(ask("chat-model")), Anthropic.AuthenticationError);
  await assert.rejects(client.messages.create(ask("no-such-model")), Anthropic.NotFoundError);
});

test("the Anthropic client counts tokens and lists models", async () => {
  for (const model of MODELS) {
    const { messages } = ask(model);
    assert.ok((await client.messages.countTokens({ model, messages })).input_tokens > 0);
  }
  const ids = (await Array.fromAsync(client.models.list())).map(({ id }) => id);
  for (const model of MODELS) assert.ok(ids.includes(model), `${model} is missing in ${ids.join(", ")}`);
});
