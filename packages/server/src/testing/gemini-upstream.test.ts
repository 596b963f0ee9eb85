import assert from "node:assert/strict";
import { test } from "node:test";
import { startGeminiUpstream } from "./gemini-upstream.ts";

const user = (...parts: readonly object[]): object => ({ role: "user", parts: parts.length === 0 ? [{ text: "Hi" }] : parts });
const call = { functionCall: { name: "add", args: {} }, thoughtSignature: "c2ln" };
const result = { functionResponse: { name: "add", response: { output: "3" } } };
const hello = { contents: [user()] };
const declaring = (parametersJsonSchema: object): object => ({
  ...hello,
  tools: [{ functionDeclarations: [{ name: "add", description: "", parametersJsonSchema }] }],
});

const refused: readonly (readonly [string, object, RegExp])[] = [
  ["a field of another API", { ...hello, messages: [] }, /Unknown name \\"messages\\"/],
  ["no contents", { contents: [] }, /contents/],
  ["a model that begins", { contents: [{ role: "model", parts: [{ text: "Hi" }] }] }, /alternate/],
  ["a role of another API", { contents: [{ role: "assistant", parts: [{ text: "Hi" }] }] }, /role/],
  ["a part that is two things", { contents: [user({ text: "Hi", inlineData: { mimeType: "image/png", data: "aGk=" } })] }, /oneof/],
  ["a call without its result", { contents: [user(), { role: "model", parts: [call] }, user()] }, /number of function response parts/],
  ["a result without its call", { contents: [user(), { role: "model", parts: [{ text: "Hm." }] }, user(result)] }, /immediately after/],
  [
    "a call that is not signed",
    { contents: [user(), { role: "model", parts: [{ functionCall: { name: "add", args: {} } }] }, user(result)] },
    /thought_signature/,
  ],
  ["a schema with a word that Google does not know", declaring({ type: "object", patternProperties: {} }), /patternProperties/],
  [
    "a level and a budget of thinking",
    { ...hello, generationConfig: { thinkingConfig: { thinkingLevel: "LOW", thinkingBudget: 1 } } },
    /only one/,
  ],
  [
    "a name that is no name",
    { ...hello, toolConfig: { functionCallingConfig: { mode: "ANY", allowedFunctionNames: ["1 + 1"] } } },
    /allowedFunctionNames/,
  ],
];

test("the stand-in refuses what Google refuses", async () => {
  await using upstream = await startGeminiUpstream(undefined, { apiKey: "key" });
  const ask = async (body: object, headers: Record<string, string>): Promise<readonly [number, string]> => {
    const url = `${upstream.baseUrl}/models/gemini-3-pro-preview:generateContent`;
    const response = await fetch(url, { method: "POST", body: JSON.stringify(body), headers });
    return [response.status, await response.text()];
  };
  for (const [what, body, message] of refused) {
    const [status, text] = await ask(body, { "x-goog-api-key": "key" });
    assert.equal(status, 400, what);
    assert.match(text, message, what);
  }
  assert.deepEqual(
    [(await ask(hello, { "x-goog-api-key": "key" }))[0], (await ask(hello, {}))[0], (await ask(hello, { "x-goog-api-key": "x" }))[0]],
    [200, 403, 400],
  );
});

test("a whole answer of the stand-in says what its stream says", async () => {
  await using upstream = await startGeminiUpstream();
  const read = async (method: string): Promise<string> =>
    (await fetch(`${upstream.baseUrl}/models/m:${method}`, { method: "POST", body: JSON.stringify(hello) })).text();
  const whole = JSON.parse(await read("generateContent")) as {
    readonly candidates: readonly { readonly content: { readonly parts: unknown } }[];
  };
  const events = (await read("streamGenerateContent?alt=sse")).split("\r\n\r\n").filter((event) => event !== "");
  assert.deepEqual(whole.candidates[0]?.content.parts, [{ text: "You " }, { text: "said: " }, { text: "Hi" }]);
  assert.equal(events.length, 4);
});
