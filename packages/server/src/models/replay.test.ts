import assert from "node:assert/strict";
import { test } from "node:test";
import { collect, type ModelPart, type ModelRequest } from "@tutti/core";
import { chatCodec } from "@tutti/core/wire";
import { modelConformance, type ProviderBehaviour } from "./conformance.ts";
import { readExchanges, replayModel, writeExchanges, type Exchange } from "./index.ts";

const signal = new AbortController().signal;
const hello: ModelRequest = { messages: [{ role: "user", content: "Hi" }] };
const stopped: ModelPart = { type: "finish", reason: "stop", usage: { inputTokens: 1, outputTokens: 1 } };
const record = (request: ModelRequest, text: string): Exchange =>
  recorded(request, { type: "answers", parts: [{ type: "text", text }, stopped] });

function recorded(request: ModelRequest, behaviour: ProviderBehaviour): Exchange {
  return { request: chatCodec.encodeRequest("recorded", request), response: responseOf(behaviour) };
}

function responseOf(behaviour: ProviderBehaviour): Exchange["response"] {
  if (behaviour.type !== "refuses") {
    const body = { stream_options: { include_usage: true } };
    const encoder = chatCodec.streamEncoder({ id: "1", createdAt: 0, model: "recorded", body });
    const text = behaviour.parts.map((part) => encoder.push(part)).join("");
    return { status: 200, headers: { "content-type": "text/event-stream" }, body: text };
  }
  const headers = behaviour.retryAfterS === undefined ? {} : { "retry-after": String(behaviour.retryAfterS) };
  return { status: behaviour.status, headers, body: JSON.stringify({ error: { message: behaviour.message } }) };
}

modelConformance("replay", async (request, behaviour) => ({
  model: replayModel("recorded", readExchanges(writeExchanges([recorded(request, behaviour)]))),
  [Symbol.asyncDispose]: () => Promise.resolve(),
}));

test("recorded exchanges are played in their order", async () => {
  const model = replayModel("recorded", [record(hello, "One."), record(hello, "Two.")]);
  assert.equal((await collect(model.generate(hello, signal))).content, "One.");
  assert.equal((await collect(model.generate(hello, signal))).content, "Two.");
  await assert.rejects(collect(model.generate(hello, signal)), {
    code: "conflict",
    message: "wanted at most the 2 recorded requests, got one more",
  });
});

test("another request than the recorded one is a conflict that says which and where", async () => {
  const model = replayModel("recorded", [record(hello, "One.")]);
  const other: ModelRequest = { messages: [{ role: "user", content: "Bye" }] };
  await assert.rejects(collect(model.generate(other, signal)), {
    code: "conflict",
    message: 'exchange 1 of 1: request.messages[0].content: wanted "Hi", got "Bye"',
  });
  const longer: ModelRequest = { messages: [...hello.messages, ...other.messages] };
  await assert.rejects(collect(model.generate(longer, signal)), /request\.messages\[1\]: wanted nothing, got \{"content":"Bye"/);
});

test("a file that is no list of exchanges is refused with the line", () => {
  assert.throws(() => readExchanges(`${writeExchanges([record(hello, "One.")])}\n{oops`), { code: "invalid_input", message: /line 3/ });
  assert.throws(() => readExchanges('{"request":{}}'), { code: "invalid_input", message: /line 1.*response/s });
});
