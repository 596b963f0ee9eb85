import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { startTestApp, type TestApp } from "../../testing.ts";
import { startOpenAiUpstream, type OpenAiUpstream } from "../../testing/openai-upstream.ts";

let upstream: OpenAiUpstream;
let app: TestApp;

before(async () => {
  upstream = await startOpenAiUpstream();
  app = await startTestApp({ providers: [{ name: "cloud", baseUrl: upstream.baseUrl, models: ["cheap", "dear"] }] });
});

after(async () => {
  await app[Symbol.asyncDispose]();
  await upstream[Symbol.asyncDispose]();
});

async function post(path: string, body: string): Promise<{ readonly status: number; readonly text: string }> {
  const response = await fetch(app.url + path, {
    method: "POST",
    body,
    headers: { authorization: `Bearer ${app.token}`, "content-type": "application/json" },
  });
  return { status: response.status, text: await response.text() };
}

const HI = '[{"role":"user","content":"Hi"}]';

test("a body whose field stands there twice is refused by name, on every surface, and no model is asked", async () => {
  const asked = upstream.calls.length;
  const bodies: readonly (readonly [path: string, body: string, key: string])[] = [
    ["/v1/chat/completions", `{"model":"cheap","messages":${HI},"model":"dear"}`, "model"],
    ["/v1/chat/completions", `{"model":"cheap","messages":${HI},"m\\u006fdel":"dear"}`, "model"],
    ["/v1/chat/completions", `{ "model" : "cheap", "seed" : 1, "messages" : ${HI}, "seed"\n:\t2 }`, "seed"],
    ["/v1/messages", `{"model":"cheap","max_tokens":5,"messages":${HI},"messages":[]}`, "messages"],
    ["/v1/messages/count_tokens", `{"model":"cheap","messages":${HI},"messages":[]}`, "messages"],
    ["/v1/completions", '{"model":"cheap","prompt":"a","prompt":"b"}', "prompt"],
    ["/v1/responses", '{"model":"cheap","input":"a","input":"b"}', "input"],
    ["/v1/embeddings", '{"model":"cheap","input":"a","input":"b"}', "input"],
    ["/v1/rerank", '{"model":"cheap","query":"a","documents":["b"],"query":"c"}', "query"],
    ["/v1/moderations", '{"model":"cheap","input":"a","model":"dear"}', "model"],
    ["/v1/audio/speech", '{"model":"cheap","input":"a","voice":"v","input":"b"}', "input"],
    ["/v1/images/generations", '{"model":"cheap","prompt":"a","prompt":"b"}', "prompt"],
  ];
  for (const [path, body, key] of bodies) {
    const { status, text } = await post(path, body);
    assert.equal(status, 400, `${path} ${body}: ${text}`);
    assert.match(text, new RegExp(`wanted \\\\"${key}\\\\" once in the request body, got it twice`), path);
  }
  assert.equal(upstream.calls.length, asked);
});

test("a field in another case than ours is refused by name: some providers read it as the same", async () => {
  const asked = upstream.calls.length;
  for (const [path, body, key, field] of [
    ["/v1/chat/completions", `{"model":"cheap","messages":${HI},"Model":"dear"}`, "Model", "model"],
    ["/v1/chat/completions", `{"model":"cheap","messages":${HI},"MESSAGES":[]}`, "MESSAGES", "messages"],
    ["/v1/chat/completions", `{"model":"cheap","messages":${HI},"meſſages":[]}`, "meſſages", "messages"],
    ["/v1/chat/completions", `{"model":"cheap","messages":${HI},"max_to\u212Aens":9}`, "max_to\u212Aens", "max_tokens"],
    ["/v1/chat/completions", `{"model":"cheap","messages":${HI},"Max_Tokens":9}`, "Max_Tokens", "max_tokens"],
    ["/v1/messages", `{"model":"cheap","max_tokens":5,"messages":${HI},"System":"x"}`, "System", "system"],
    ["/v1/responses", '{"model":"cheap","input":"a","Instructions":"b"}', "Instructions", "instructions"],
    ["/v1/embeddings", '{"model":"cheap","input":"a","Input":"b"}', "Input", "input"],
    ["/v1/rerank", '{"model":"cheap","query":"a","documents":["b"],"Documents":["c"]}', "Documents", "documents"],
  ] as const) {
    const { status, text } = await post(path, body);
    assert.equal(status, 400, `${path} ${body}: ${text}`);
    assert.ok(text.includes(`wanted \\"${field}\\" in the request body, got \\"${key}\\"`), text);
  }
  assert.equal(upstream.calls.length, asked);
});

test("the same keys deeper in a body, colons in texts and fields of the provider's own pass byte by byte", async () => {
  for (const more of [
    `"metadata":{"a":"1","a":"2","Model":"x"}`,
    `"Vendor_Flag":true,"note":"\\"model\\": {: \\\\"`,
    `"seed":1, "x:y" : [ {"model":":"} , ":" ]`,
  ]) {
    const body = `{"model":"cheap",${more},"messages":${HI}}`;
    const { status, text } = await post("/v1/chat/completions", body);
    assert.equal(status, 200, text);
    assert.equal(upstream.calls.at(-1)?.received.toString(), body);
  }
});
