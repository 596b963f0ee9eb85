import type { ContentPart, ModelPart, ModelRequest } from "@tutti/core/model";

/** What some kinds of providers have and others lack. */
export type Capability =
  | "tools"
  | "call deltas"
  | "reasoning"
  | "citations"
  | "refusals"
  | "cached tokens"
  | "reasoning tokens"
  | "images"
  | "image links"
  | "sounds"
  | "files"
  | "tool choice"
  | "one call at a time"
  | "json"
  | "schemas";

/** What a provider answers. */
export interface AnswerCase {
  readonly name: string;
  readonly request: ModelRequest;
  readonly parts: readonly ModelPart[];
  readonly needs?: Capability;
}

/** What a provider is asked. `marks` are texts that stand in the request whatever the provider's format. */
export interface RequestCase {
  readonly name: string;
  readonly request: ModelRequest;
  readonly marks: readonly string[];
  readonly needs?: Capability;
}

const usage = { inputTokens: 11, outputTokens: 7 };
const text = (value: string): ModelPart => ({ type: "text", text: value });
const call = (id: string, name: string, input: Extract<ModelPart, { type: "call" }>["call"]["input"]): ModelPart => ({
  type: "call",
  call: { id, name, input },
});
const finish = (reason: Extract<ModelPart, { type: "finish" }>["reason"]): ModelPart => ({ type: "finish", reason, usage });

/** The shortest conversation. */
export const hello: ModelRequest = { messages: [{ role: "user", content: "Hi" }] };
/** An ordinary end. */
export const stopped: ModelPart = finish("stop");

const withTools: ModelRequest = {
  messages: [
    { role: "system", content: "Be brief." },
    { role: "user", content: "What is 1 + 2?" },
    { role: "assistant", content: "", calls: [{ id: "call-1", name: "add", input: { a: 1, b: 2 } }] },
    { role: "tool", content: "3", callId: "call-1" },
  ],
  tools: [
    { name: "add", description: "Adds.", parameters: { type: "object", properties: { a: { type: "number" }, b: { type: "number" } } } },
    { name: "now", description: "Tells the time.", parameters: { type: "object", properties: {} } },
  ],
};

/** Answers that every kind gives, or declares not to have. */
export const answerCases: readonly AnswerCase[] = [
  {
    name: "text arrives in the provider's pieces, and finish comes last with the usage",
    request: hello,
    parts: [text("Hel"), text("lo, "), text("wörld 🎼"), stopped],
  },
  {
    name: "tool calls arrive whole, with their input as JSON",
    request: withTools,
    parts: [call("a", "add", { a: 1, b: [2, { c: "}" }] }), call("b", "now", {}), finish("tool_calls")],
    needs: "tools",
  },
  {
    name: "text may come before tool calls",
    request: withTools,
    parts: [text("Let me add."), call("a", "add", { a: "wörld 🎼" }), finish("tool_calls")],
    needs: "tools",
  },
  { name: "an answer that was cut for its length says so", request: hello, parts: [text("Hel"), finish("length")] },
  { name: "an answer may be empty", request: hello, parts: [finish("content_filter")] },
  {
    name: "what the model thought comes before what it says",
    request: hello,
    parts: [{ type: "reasoning", text: "Who " }, { type: "reasoning", text: "is it?" }, text("Hello."), stopped],
    needs: "reasoning",
  },
  {
    name: "a thought may be followed by a tool call",
    request: withTools,
    parts: [{ type: "reasoning", text: "I can add." }, call("a", "add", { a: 1, b: 2 }), finish("tool_calls")],
    needs: "reasoning",
  },
  {
    name: "what a statement rests on comes with it",
    request: hello,
    parts: [
      text("Paris is in France."),
      { type: "citation", citation: { url: "https://example.com/paris", title: "Paris", start: 0, end: 19 } },
      stopped,
    ],
    needs: "citations",
  },
  {
    name: "a refusal is told from an answer",
    request: hello,
    parts: [{ type: "refusal", text: "I cannot help with that." }, stopped],
    needs: "refusals",
  },
  {
    name: "input tokens that were read from the provider's cache are among the input tokens",
    request: hello,
    parts: [text("Hi."), { type: "finish", reason: "stop", usage: { ...usage, cacheReadTokens: 5 } }],
    needs: "cached tokens",
  },
  {
    name: "tokens of thoughts are among the output tokens",
    request: hello,
    parts: [text("Hi."), { type: "finish", reason: "stop", usage: { ...usage, reasoningTokens: 3 } }],
    needs: "reasoning tokens",
  },
];

/** A picture of one pixel, and other small things, in base64. */
const PICTURE = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk+A8AAQUBAScY42YAAAAASUVORK5CYII=";
const SOUND = "UklGRiQAAABXQVZFZm10IBAAAAABAAEAQB8AAIA+AAACABAAZGF0YQAAAAA=";
const PAGE = "JVBERi0xLjQKJcOkw7zDtsOfCg==";

const showing = (part: ContentPart): ModelRequest => ({
  messages: [{ role: "user", content: "What is this?", parts: [{ type: "text", text: "What is this?" }, part] }],
});
const object = { type: "object", properties: { zebra: { type: "string" } }, required: ["zebra"], additionalProperties: false };

/** Requests that every kind can be asked, or declares not to have. */
export const requestCases: readonly RequestCase[] = [
  {
    name: "the turns of a conversation reach the provider",
    request: {
      messages: [
        { role: "system", content: "Be brief." },
        { role: "user", content: "Hi" },
        { role: "assistant", content: "Hello." },
        { role: "user", content: "And now?" },
      ],
    },
    marks: ["Be brief.", "Hi", "Hello.", "And now?"],
  },
  {
    name: "limits and sampling reach the provider",
    request: { ...hello, outputTokensMax: 321, sampling: { temperature: 0.25, topP: 0.75, stop: ["THE END"] } },
    marks: ["321", "0.25", "0.75", "THE END"],
  },
  {
    name: "tools, calls and results reach the provider",
    request: withTools,
    marks: ["Adds.", "add", "number", "3"],
    needs: "tools",
  },
  {
    name: "several results, one of them of a call that failed, reach the provider",
    request: {
      ...withTools,
      messages: [
        { role: "user", content: "Add and look." },
        {
          role: "assistant",
          content: "I shall.",
          calls: [
            { id: "call-1", name: "add", input: { a: 1 } },
            { id: "call-2", name: "now", input: {} },
          ],
        },
        { role: "tool", content: "wanted b", callId: "call-1", isError: true },
        { role: "tool", content: "noon", callId: "call-2" },
      ],
    },
    marks: ["wanted b", "noon", "I shall."],
    needs: "tools",
  },
  {
    name: "a picture reaches the provider",
    request: showing({ type: "image", media: { data: PICTURE, mediaType: "image/png" } }),
    marks: [PICTURE],
    needs: "images",
  },
  {
    name: "a link to a picture reaches the provider",
    request: showing({ type: "image", media: { url: "https://example.com/cat.png" } }),
    marks: ["https://example.com/cat.png"],
    needs: "image links",
  },
  {
    name: "a sound reaches the provider",
    request: showing({ type: "audio", media: { data: SOUND, mediaType: "audio/wav" } }),
    marks: [SOUND],
    needs: "sounds",
  },
  {
    name: "a file reaches the provider",
    request: showing({ type: "file", media: { data: PAGE, mediaType: "application/pdf" }, name: "page.pdf" }),
    marks: [PAGE],
    needs: "files",
  },
  { name: "a tool can be required", request: { ...withTools, toolChoice: "required" }, marks: [], needs: "tool choice" },
  { name: "one tool can be required", request: { ...withTools, toolChoice: { name: "now" } }, marks: ["now"], needs: "tool choice" },
  { name: "tools can be forbidden", request: { ...withTools, toolChoice: "none" }, marks: [], needs: "tool choice" },
  { name: "calls can be wanted one at a time", request: { ...withTools, parallelCalls: false }, marks: [], needs: "one call at a time" },
  { name: "JSON can be wanted", request: { ...hello, format: { type: "json" } }, marks: [], needs: "json" },
  {
    name: "JSON of a schema can be wanted",
    request: { ...hello, format: { type: "schema", name: "animals", schema: object, strict: true } },
    marks: ["zebra"],
    needs: "schemas",
  },
];
