import assert from "node:assert/strict";
import { test } from "node:test";
import OpenAI from "openai";
import { addWithTool, startGateway, type GatewayFixture } from "./gateway.ts";

const messages = [{ role: "user" as const, content: "Hello there" }];
const clientFor = (gateway: GatewayFixture): OpenAI => new OpenAI({ baseURL: gateway.baseUrl, apiKey: gateway.app.token, maxRetries: 0 });

test("the openai client gets a whole answer", async () => {
  await using gateway = await startGateway();
  const completion = await clientFor(gateway).chat.completions.create({ model: "test-model", messages });
  assert.equal(completion.choices[0]?.message.content, "You said: Hello there");
  assert.equal(completion.choices[0]?.finish_reason, "stop");
  assert.equal(completion.usage?.completion_tokens, 4);
});

test("the openai client gets a stream with usage", async () => {
  await using gateway = await startGateway();
  const stream = await clientFor(gateway).chat.completions.create({
    model: "test-model",
    messages,
    stream: true,
    stream_options: { include_usage: true },
  });
  const chunks = await Array.fromAsync(stream);
  assert.deepEqual(
    chunks.flatMap(({ choices }) => choices[0]?.delta.content ?? []).filter((text) => text !== ""),
    ["You ", "said: ", "Hello ", "there"],
  );
  assert.equal(chunks.at(-1)?.usage?.completion_tokens, 4);
});

test("the openai client gets tool calls in a stream", async () => {
  await using gateway = await startGateway(addWithTool);
  const tools = [{ type: "function" as const, function: { name: "add", parameters: { type: "object", properties: {} } } }];
  const final = await clientFor(gateway).chat.completions.stream({ model: "test-model", messages, tools }).finalMessage();
  const [call] = final.tool_calls ?? [];
  assert.ok(call?.type === "function");
  assert.deepEqual([call.function.name, call.function.arguments], ["add", '{"a":19,"b":23}']);
});

test("the openai client lists models: agents, configured and discovered ones", async () => {
  await using gateway = await startGateway();
  const ids = (await Array.fromAsync(clientFor(gateway).models.list())).map(({ id }) => id);
  for (const id of ["holly", "test-model", "other-model"]) assert.ok(ids.includes(id), `${id} is missing in ${ids.join(", ")}`);
  assert.equal((await clientFor(gateway).models.retrieve("test-model")).owned_by, "hosted");
});

test("the openai client talks to an agent as to a model, whole and streamed", async () => {
  await using gateway = await startGateway();
  const whole = await clientFor(gateway).chat.completions.create({ model: "holly", messages });
  assert.equal(whole.choices[0]?.message.content, "You said: Hello there");
  const stream = await clientFor(gateway).chat.completions.create({
    model: "holly",
    messages,
    stream: true,
    stream_options: { include_usage: true },
  });
  const chunks = await Array.fromAsync(stream);
  assert.equal(chunks.map(({ choices }) => choices[0]?.delta.content ?? "").join(""), "You said: Hello there");
  assert.ok((chunks.at(-1)?.usage?.total_tokens ?? 0) > 0);
});

test("the openai client sees an upstream's refusal as it is", async () => {
  await using gateway = await startGateway(() => ({
    type: "error",
    status: 429,
    message: "Slow down.",
    code: "rate_limit_exceeded",
    headers: { "retry-after": "7" },
  }));
  await assert.rejects(clientFor(gateway).chat.completions.create({ model: "test-model", messages }), (error) => {
    assert.ok(error instanceof OpenAI.RateLimitError);
    assert.equal(error.code, "rate_limit_exceeded");
    assert.match(error.message, /Slow down\./);
    assert.equal(error.headers.get("retry-after"), "7");
    return true;
  });
});

test("the openai client gets its own error classes from Tutti", async () => {
  await using gateway = await startGateway();
  const stranger = new OpenAI({ baseURL: gateway.baseUrl, apiKey: "wrong", maxRetries: 0 });
  await assert.rejects(stranger.models.list(), OpenAI.AuthenticationError);
  await assert.rejects(clientFor(gateway).chat.completions.create({ model: "", messages }), OpenAI.BadRequestError);
});

test("an upstream that is gone is a bad gateway in OpenAI's error shape", async () => {
  await using gateway = await startGateway();
  await gateway.upstream[Symbol.asyncDispose]();
  await assert.rejects(clientFor(gateway).chat.completions.create({ model: "test-model", messages }), (error) => {
    assert.ok(error instanceof OpenAI.InternalServerError);
    assert.equal(error.status, 502);
    assert.equal(error.code, "upstream");
    return true;
  });
});

test("a client that aborts a stream ends the upstream's work", async () => {
  const piece = `data: ${JSON.stringify({ choices: [{ index: 0, delta: { content: "Hi" } }] })}\n\n`;
  await using gateway = await startGateway(() => ({
    type: "raw",
    status: 200,
    headers: { "content-type": "text/event-stream" },
    chunks: [piece],
    ending: "silence",
  }));
  const stream = await clientFor(gateway).chat.completions.create({ model: "test-model", messages, stream: true });
  for await (const chunk of stream) {
    assert.equal(chunk.choices[0]?.delta.content, "Hi");
    break;
  }
  const chat = (): number => gateway.upstream.calls.findIndex(({ method }) => method === "POST");
  await gateway.upstream.ended(chat() + 1);
  assert.equal(gateway.upstream.calls[chat()]?.isAborted, true);
});
