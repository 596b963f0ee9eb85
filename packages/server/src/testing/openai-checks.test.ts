import assert from "node:assert/strict";
import { test } from "node:test";
import { checkChatBody } from "./openai-checks.ts";

const hello = { model: "m", messages: [{ role: "user", content: "Hi" }] };
const tool = (fields: object = {}) => ({ type: "function", function: { name: "add", parameters: {}, ...fields } });
const schema = (strict: boolean) => ({
  type: "json_schema",
  json_schema: { name: "a", strict, schema: { type: "object", properties: { a: { type: "string" } } } },
});
const asked = { role: "assistant", content: null, tool_calls: [{ id: "1", type: "function", function: { name: "add", arguments: "{}" } }] };

/** What is wrong with a request, or nothing. */
function wrongWith(fields: object, isStrict = true): string | undefined {
  const checked = checkChatBody(Buffer.from(JSON.stringify({ ...hello, ...fields })), { isStrict });
  return "refusal" in checked ? checked.refusal.message : undefined;
}

const REFUSED: readonly (readonly [string, object, RegExp])[] = [
  ["a field that nobody knows", { top_k: 3 }, /Unrecognized request argument supplied: top_k/],
  [
    "a field that no message has",
    { messages: [{ ...asked, reasoning_content: "Hm." }] },
    /Unknown parameter: 'messages\[0\]\.reasoning_content'/,
  ],
  ["stream options without a stream", { stream_options: {} }, /only allowed when 'stream'/],
  ["two limits", { max_tokens: 1, max_completion_tokens: 1 }, /at the same time/],
  ["a tool choice without tools", { tool_choice: "auto" }, /only allowed when 'tools'/],
  ["a tool that is not there", { tools: [tool()], tool_choice: { type: "function", function: { name: "sub" } } }, /'sub' not found/],
  ["a call that nobody answered", { messages: [asked, ...hello.messages] }, /did not have response messages: 1/],
  ["a call that nobody answered at the end", { messages: [asked] }, /did not have response messages: 1/],
  ["a result that nobody asked for", { messages: [{ role: "tool", content: "1", tool_call_id: "1" }] }, /must be a response/],
  ["a spoken answer without a voice", { modalities: ["text", "audio"] }, /requires the 'audio'/],
  ["a voice for a silent answer", { audio: { voice: "echo", format: "mp3" } }, /only allowed when 'modalities'/],
  ["probabilities that were not asked for", { top_logprobs: 2 }, /only allowed when 'logprobs'/],
  ["JSON that nobody mentioned", { response_format: { type: "json_object" } }, /must contain the word 'json'/],
  ["a strict format that is open", { response_format: schema(true) }, /'additionalProperties' is required/],
  ["a strict tool that is open", { tools: [tool({ strict: true, parameters: { type: "object" } })] }, /Invalid schema for function 'add'/],
  [
    "a picture that is none",
    { messages: [{ role: "user", content: [{ type: "image_url", image_url: { url: "cat.png" } }] }] },
    /image_url\.url/,
  ],
  ["a file without a name", { messages: [{ role: "user", content: [{ type: "file", file: { file_data: "data:," } }] }] }, /filename/],
  ["a temperature beyond bounds", { temperature: 3 }, /temperature/],
];

for (const [what, fields, message] of REFUSED) {
  test(`the stand-in refuses ${what}, as OpenAI does`, () => {
    assert.match(wrongWith(fields) ?? "nothing is wrong", message);
  });
}

test("the stand-in takes what OpenAI takes, and unknown fields too where a test wants to see them again", () => {
  const results = {
    messages: [...hello.messages, asked, { role: "tool", content: "1", tool_call_id: "1" }],
    tools: [tool()],
    tool_choice: "required",
  };
  for (const fields of [
    {},
    results,
    { response_format: schema(false) },
    { reasoning_effort: "xhigh", verbosity: "low", safety_identifier: "ada" },
  ])
    assert.equal(wrongWith(fields), undefined);
  assert.equal(wrongWith({ top_k: 3 }, false), undefined);
});
