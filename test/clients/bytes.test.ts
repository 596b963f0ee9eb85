import assert from "node:assert/strict";
import { request as httpRequest, type IncomingMessage } from "node:http";
import { test } from "node:test";
import { startGateway, type GatewayFixture } from "./gateway.ts";

/** Sends exact bytes and returns exact bytes; `fetch` would decode them. */
async function post(
  gateway: GatewayFixture,
  body: string,
): Promise<{ readonly headers: IncomingMessage["headers"]; readonly body: string }> {
  const headers = { "content-type": "application/json", authorization: `Bearer ${gateway.app.token}` };
  const sent = httpRequest(`${gateway.baseUrl}/chat/completions`, { method: "POST", headers });
  sent.end(body);
  const answer = await new Promise<IncomingMessage>((resolve, reject) => sent.on("response", resolve).on("error", reject));
  return { headers: answer.headers, body: Buffer.concat(await Array.fromAsync(answer as AsyncIterable<Buffer>)).toString() };
}

const body = (model: string, stream: boolean): string =>
  `{ "messages" : [{"role":"user","content":"caf\\u00e9 \u{1F3BC}","x_cache":{"ttl":1.50}}],\n"model":"${model}", "x_number": 12345678901234567890 ,"stream":${stream},"x_deep":[[{}]] }`;

for (const stream of [false, true]) {
  test(`unknown fields pass unchanged, byte for byte, both ways (stream: ${stream})`, async () => {
    await using gateway = await startGateway();
    const answer = await post(gateway, body("test-model", stream));
    const call = gateway.upstream.calls.findLast(({ method }) => method === "POST");
    assert.equal(call?.received.toString(), body("test-model", stream));
    assert.equal(answer.body, call?.sent.toString());
    assert.match(answer.body, /"x_deep":\[\[\{\}\]\]/);
    assert.match(String(answer.headers["tutti-run-id"]), /./);
  });
}

test("a model named with its provider reaches it under its own name, and nothing else changes", async () => {
  await using gateway = await startGateway();
  await post(gateway, body("hosted/other-model", false));
  const call = gateway.upstream.calls.findLast(({ method }) => method === "POST");
  assert.equal(call?.received.toString(), body("other-model", false));
});

test("the upstream gets its own key and never the client's", async () => {
  await using gateway = await startGateway();
  await post(gateway, body("test-model", false));
  const keys = new Set(gateway.upstream.calls.map(({ headers }) => headers.authorization));
  assert.deepEqual(keys, new Set(["Bearer sk-upstream"]));
});
