import assert from "node:assert/strict";
import { test } from "node:test";
import { AppError, collect, type ErrorCode, type Model, type ModelPart, type ModelRequest } from "@tutti/core";

/** What a provider does in one case; an adapter's factory plays it in that provider's own format. */
export type ProviderBehaviour =
  /** It gives these parts; the last one is `finish`. */
  | { readonly type: "answers"; readonly parts: readonly ModelPart[] }
  /** It gives these parts, and then its connection ends. */
  | { readonly type: "breaks off"; readonly parts: readonly ModelPart[] }
  /** It gives these parts, and then nothing, for as long as one waits. */
  | { readonly type: "falls silent"; readonly parts: readonly ModelPart[] }
  | { readonly type: "refuses"; readonly status: number; readonly message: string; readonly retryAfterS?: number };

/** A model whose provider behaves as told when it gets this request. */
export type ModelFactory = (request: ModelRequest, behaviour: ProviderBehaviour) => Promise<{ readonly model: Model } & AsyncDisposable>;

const hello: ModelRequest = { messages: [{ role: "user", content: "Hi" }] };
const withTools: ModelRequest = {
  messages: [
    { role: "system", content: "Be brief." },
    { role: "user", content: "What is 1 + 2?" },
    { role: "assistant", content: "", calls: [{ id: "call-1", name: "add", input: { a: 1, b: 2 } }] },
    { role: "tool", content: "3", callId: "call-1" },
  ],
  tools: [
    { name: "add", description: "Adds.", parameters: { type: "object", properties: { a: { type: "number" }, b: { type: "number" } } } },
  ],
};
const usage = { inputTokens: 11, outputTokens: 7 };
const text = (value: string): ModelPart => ({ type: "text", text: value });
const stopped: ModelPart = { type: "finish", reason: "stop", usage };

const never = (): AbortSignal => new AbortController().signal;

/** What every adapter of `Model` must do; each runs this suite. */
export function modelConformance(adapter: string, create: ModelFactory): void {
  for (const [name, request, parts] of ANSWERS) {
    test(`${adapter}: ${name}`, async () => {
      await using subject = await create(request, { type: "answers", parts });
      assert.deepEqual(await Array.fromAsync(subject.model.generate(request, never())), parts);
    });
  }
  for (const [status, code] of REFUSALS) {
    test(`${adapter}: a refusal with status ${status} throws ${code} with the provider's message`, async () => {
      await using subject = await create(hello, { type: "refuses", status, message: "No, thank you.", retryAfterS: 20 });
      await assert.rejects(collect(subject.model.generate(hello, never())), (error) => {
        assert.match(String(error), new RegExp(`${status}.*No, thank you\\..*20 s`));
        assert.deepEqual(error instanceof AppError && error.cause, { status, retryAfterMs: 20_000 });
        return has(code)(error);
      });
    });
  }
  test(`${adapter}: a stream that breaks off throws upstream after what arrived`, async () => {
    await using subject = await create(hello, { type: "breaks off", parts: [text("Hel")] });
    const parts = subject.model.generate(hello, never())[Symbol.asyncIterator]();
    assert.deepEqual((await parts.next()).value, text("Hel"));
    await assert.rejects(async () => parts.next(), has("upstream"));
  });
  leavingConformance(adapter, create);
}

/** Callers that stop waiting. */
function leavingConformance(adapter: string, create: ModelFactory): void {
  test(`${adapter}: a signal that is aborted before the start throws cancelled`, async () => {
    await using subject = await create(hello, { type: "answers", parts: [stopped] });
    await assert.rejects(collect(subject.model.generate(hello, AbortSignal.abort())), has("cancelled"));
  });

  const reasons: readonly (readonly [string, unknown, ErrorCode])[] = [
    ["is aborted", undefined, "cancelled"],
    ["passes its deadline", new DOMException("The operation timed out.", "TimeoutError"), "timeout"],
  ];
  for (const [what, reason, code] of reasons) {
    test(`${adapter}: a signal that ${what} in the middle throws ${code}`, async () => {
      await using subject = await create(hello, { type: "falls silent", parts: [text("Hel")] });
      const controller = new AbortController();
      const parts = subject.model.generate(hello, controller.signal)[Symbol.asyncIterator]();
      assert.deepEqual((await parts.next()).value, text("Hel"));
      controller.abort(reason);
      await assert.rejects(async () => parts.next(), has(code));
    });
  }

  test(`${adapter}: a reader may leave in the middle`, async () => {
    await using subject = await create(hello, { type: "falls silent", parts: [text("Hel")] });
    for await (const part of subject.model.generate(hello, never())) {
      assert.deepEqual(part, text("Hel"));
      break;
    }
  });
}

const ANSWERS: readonly (readonly [string, ModelRequest, readonly ModelPart[]])[] = [
  [
    "text arrives in the provider's pieces, and finish comes last with the usage",
    hello,
    [text("Hel"), text("lo, "), text("wörld 🎼"), stopped],
  ],
  [
    "tool calls arrive whole, with their input as JSON",
    withTools,
    [
      { type: "call", call: { id: "a", name: "add", input: { a: 1, b: [2, { c: "}" }] } } },
      { type: "call", call: { id: "b", name: "now", input: {} } },
      { type: "finish", reason: "tool_calls", usage },
    ],
  ],
  [
    "text may come before tool calls",
    withTools,
    [text("Let me add."), { type: "call", call: { id: "a", name: "add", input: null } }, { type: "finish", reason: "tool_calls", usage }],
  ],
  ["an answer that was cut for its length says so", hello, [text("Hel"), { type: "finish", reason: "length", usage }]],
  ["an answer may be empty", hello, [{ type: "finish", reason: "content_filter", usage }]],
];

const REFUSALS: readonly (readonly [number, ErrorCode])[] = [
  [400, "invalid_input"],
  [401, "invalid_config"],
  [404, "model_not_found"],
  [413, "too_large"],
  [429, "rate_limited"],
  [500, "upstream"],
  [503, "upstream"],
];

const has = (code: ErrorCode) => (error: unknown) => {
  assert.ok(error instanceof AppError, String(error));
  assert.equal(error.code, code, error.message);
  return true;
};
