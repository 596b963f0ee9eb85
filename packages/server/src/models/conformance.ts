import assert from "node:assert/strict";
import { test } from "node:test";
import { AppError, type ErrorCode } from "@tutti/core";
import { collect, type Model, type ModelPart, type ModelRequest, type ReasoningPart } from "@tutti/core/model";
import { answerCases, hello, requestCases, stopped, type AnswerCase, type Capability, type RequestCase } from "./conformance-cases.ts";

/** What a provider does in one case; an adapter's factory plays it in that provider's own format. */
export type ProviderBehaviour =
  /** It gives these parts; the last one is `finish`. A `call` is played in as many pieces as the provider cuts its arguments into. */
  | { readonly type: "answers"; readonly parts: readonly ModelPart[] }
  /** It gives these parts, and then its connection ends. */
  | { readonly type: "breaks off"; readonly parts: readonly ModelPart[] }
  /** It gives these parts, and then nothing, for as long as one waits. */
  | { readonly type: "falls silent"; readonly parts: readonly ModelPart[] }
  | { readonly type: "refuses"; readonly status: number; readonly message: string; readonly retryAfterS?: number };

/** A model whose provider behaves as told when it gets this request. */
export type ModelFactory = (request: ModelRequest, behaviour: ProviderBehaviour) => Promise<Subject>;

/** `received` is the body of the request as the provider got it, in its own format; models in this process have none. */
interface Subject extends AsyncDisposable {
  readonly model: Model;
  received?(): string;
}

/** What a kind of provider says of itself. */
export interface Declaration {
  /** What it cannot do, and why. Asked for it in a request, it has to throw `unsupported`; in answers it is never played. */
  readonly lacks?: Partial<Readonly<Record<Capability, string>>>;
  /** Whose signed thoughts it takes back. Left out: nobody's. */
  readonly origin?: NonNullable<ReasoningPart["origin"]>;
}

const text = (value: string): ModelPart => ({ type: "text", text: value });
const never = (): AbortSignal => new AbortController().signal;

/** What every adapter of `Model` must do; each runs this suite. */
export function modelConformance(adapter: string, create: ModelFactory, declaration: Declaration = {}): void {
  const { lacks = {} } = declaration;
  for (const item of answerCases) {
    const reason = item.needs && lacks[item.needs];
    if (reason === undefined) answerConformance(adapter, create, { item, hasDeltas: lacks["call deltas"] === undefined });
    else test(`${adapter}: ${item.name}: never, because ${reason}`, (context) => context.diagnostic(reason));
  }
  for (const item of requestCases) requestConformance(adapter, create, { item, reason: item.needs && lacks[item.needs] });
  thoughtConformance(adapter, create, declaration);
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

function answerConformance(
  adapter: string,
  create: ModelFactory,
  { item, hasDeltas }: { readonly item: AnswerCase; readonly hasDeltas: boolean },
): void {
  test(`${adapter}: ${item.name}`, async () => {
    await using subject = await create(item.request, { type: "answers", parts: item.parts });
    const parts = await Array.fromAsync(subject.model.generate(item.request, never()));
    assert.deepEqual(essence(parts), essence(item.parts));
    checkDeltas(parts, hasDeltas);
  });
}

function requestConformance(
  adapter: string,
  create: ModelFactory,
  { item, reason }: { readonly item: RequestCase; readonly reason: string | undefined },
): void {
  const { name, request, marks } = item;
  const play = (): Promise<Subject> => create(request, { type: "answers", parts: [text("Yes."), stopped] });
  if (reason !== undefined) {
    test(`${adapter}: ${name}: unsupported, because ${reason}`, async () => {
      await using subject = await play();
      await assert.rejects(collect(subject.model.generate(request, never())), has("unsupported"));
    });
    return;
  }
  test(`${adapter}: ${name}`, async () => {
    await using subject = await play();
    assert.equal((await collect(subject.model.generate(request, never()))).content, "Yes.");
    const received = subject.received?.();
    if (received !== undefined) for (const mark of marks) assert.ok(received.includes(mark), `wanted ${mark} in ${received}`);
  });
}

/** Thoughts that are signed go back to whoever signed them, and to nobody else. */
function thoughtConformance(adapter: string, create: ModelFactory, { origin }: Declaration): void {
  for (const signer of ["openai", "anthropic", "gemini"] as const) {
    const isOwn = signer === origin;
    const signature = `c2lnbmVkIGJ5${signer}=`;
    const thought: ReasoningPart = { type: "reasoning", text: "Hm.", signature, origin: signer };
    const request: ModelRequest = {
      messages: [
        ...hello.messages,
        { role: "assistant", content: "Hello.", parts: [thought, { type: "text", text: "Hello." }] },
        { role: "user", content: "Go on." },
      ],
    };
    test(`${adapter}: a thought that ${signer} signed is ${isOwn ? "sent back" : "left out"}`, async () => {
      await using subject = await create(request, { type: "answers", parts: [text("Yes."), stopped] });
      await collect(subject.model.generate(request, never()));
      const received = subject.received?.();
      if (received !== undefined) assert.equal(received.includes(signature), isOwn, received);
    });
  }
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

/** Parts without what providers may differ in: how calls and thoughts are cut, and who signed what. */
function essence(parts: readonly ModelPart[]): readonly unknown[] {
  const kept: unknown[] = [];
  let thought: { type: "reasoning"; text: string } | undefined;
  for (const part of parts) {
    if (part.type === "call.delta") continue;
    if (part.type === "reasoning") {
      if (thought === undefined) kept.push((thought = { type: "reasoning", text: "" }));
      thought.text += part.text;
      continue;
    }
    thought = undefined;
    kept.push(part.type === "citation" ? { type: "citation", url: part.citation.url, title: part.citation.title } : part);
  }
  return kept;
}

/** The deltas of a call come before it, name it, and joined are its input. */
function checkDeltas(parts: readonly ModelPart[], hasDeltas: boolean): void {
  const joined: { id: string; name: string; text: string }[] = [];
  let calls = 0;
  for (const part of parts) {
    if (part.type === "call.delta") {
      assert.ok(part.index >= calls && part.index <= joined.length, `a delta of call ${part.index} came out of turn`);
      const delta = (joined[part.index] ??= { id: part.id, name: part.name, text: "" });
      assert.deepEqual([part.id, part.name], [delta.id, delta.name]);
      delta.text += part.text;
    } else if (part.type === "call") {
      const delta = joined[calls];
      calls += 1;
      if (!hasDeltas) continue;
      assert.ok(delta, "wanted deltas before a call");
      assert.deepEqual([delta.id, delta.name, JSON.parse(delta.text)], [part.call.id, part.call.name, part.call.input]);
    }
  }
}

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
