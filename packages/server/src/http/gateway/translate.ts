import { AppError, type Json } from "@tutti/core";
import { collect, type Message, type ModelPart, type ModelRequest } from "@tutti/core/model";
import { NO_USAGE, type AnswerHead, type StreamEncoder } from "@tutti/core/wire";
import type { Attempted, Try } from "../../host/index.ts";
import { adaptRequest, callEnd, type CallWatch, type Place, type ResponseSink, type Target } from "../../models/index.ts";
import { wireError } from "../problem.ts";
import { countParts } from "./count-answer.ts";
import { drained } from "./drained.ts";
import { eitherSignal } from "./either-signal.ts";
import { finalOf } from "./final.ts";
import { wasWorkedFor } from "./relay.ts";
import type { JsonObject, Serving } from "./serving.ts";

/** Asks a provider in its own format, and writes the answer in the client's. */
export async function translate(serving: Serving, attempt: Try): Promise<Attempted> {
  const gone = new AbortController();
  const onClose = (): void => gone.abort(new AppError("cancelled", "the client left before its answer was whole"));
  serving.response.once("close", onClose);
  const signal = eitherSignal(attempt.signal, gone.signal);
  const underWay: UnderWay = { target: attempt.target, seen: [] };
  try {
    const parts = watched(partsFor(serving, underWay, signal), underWay.seen);
    const done = serving.stream ? await writeStream(serving, attempt, parts) : await writeWhole(serving, attempt, parts);
    return await counted(serving, underWay, done);
  } catch (thrown) {
    // What has come by now was spent, whoever broke off.
    if (underWay.seen.length > 0 || wasWorkedFor(AppError.from(thrown))) await countSeen(serving, underWay);
    throw thrown;
  } finally {
    serving.response.off("close", onClose);
  }
}

/** Who pays pays for what has come of an answer that was broken off. */
async function countSeen(serving: Serving, { target, seen }: UnderWay): Promise<void> {
  if (serving.call.payer === undefined) return;
  serving.call.spent(target, await countParts(serving, target.place.name, seen.splice(0)), true);
}

/** What a provider does not say is counted here, for who pays. */
async function counted(serving: Serving, { target, seen }: UnderWay, done: Attempted): Promise<Attempted> {
  const { inputTokens, outputTokens } = done.usage ?? NO_USAGE;
  if (inputTokens + outputTokens > 0) return done;
  if (serving.call.payer === undefined) return { ...done, usage: undefined };
  return { ...done, usage: await countParts(serving, target.place.name, seen), isEstimated: true };
}

/** An answer under way. */
interface UnderWay {
  /** Who gives it; another one, when it broke off and was gone on with. */
  target: Target;
  /** What has come so far from there. */
  readonly seen: ModelPart[];
}

/** The answer's parts, looked at by the guards. */
function partsFor(serving: Serving, underWay: UnderWay, signal: AbortSignal): AsyncIterable<ModelPart> {
  const { target } = underWay;
  const request = target.adapt === undefined ? serving.request() : adaptRequest(serving.request(), target.adapt);
  const parts = resumable(serving, { underWay, request }, signal);
  const askAgain = (answer: string, problem: string): AsyncIterable<ModelPart> =>
    generate(target.place, { ...request, messages: [...request.messages, ...askForAnother(answer, problem)] }, signal);
  return serving.guard?.output(parts, askAgain) ?? parts;
}

function generate({ open, name, provider }: Place, request: ModelRequest, signal: AbortSignal): AsyncIterable<ModelPart> {
  const parts = open.generate?.(name, request, signal);
  if (parts === undefined) throw new AppError("unsupported", `wanted a model that can chat, got "${provider.name}/${name}"`);
  return parts;
}

/** Where the plan says so, an answer of plain text that its provider broke off is gone on with by the next target. */
async function* resumable(
  serving: Serving,
  { underWay, request }: { readonly underWay: UnderWay; readonly request: ModelRequest },
  signal: AbortSignal,
): AsyncGenerator<ModelPart, void, undefined> {
  let text = "";
  let isPlain = true;
  try {
    for await (const part of generate(underWay.target.place, request, signal)) {
      if (part.type === "text") text += part.text;
      else if (part.type !== "finish") isPlain = false;
      yield part;
    }
  } catch (thrown) {
    const { code } = AppError.from(thrown);
    const mayGoOn = serving.call.plan.resumesText && isPlain && text !== "" && (code === "upstream" || code === "timeout");
    const next = mayGoOn && !signal.aborted ? serving.call.goOn(underWay.target) : undefined;
    if (next === undefined) throw thrown;
    await countSeen(serving, underWay);
    underWay.target = next.target;
    yield* rest(serving, { ...next, text }, signal);
  }
}

/** The rest of an answer, from a target that is told what was said so far. */
async function* rest(
  serving: Serving,
  { target, watch, text }: { readonly target: Target; readonly watch: CallWatch; readonly text: string },
  signal: AbortSignal,
): AsyncGenerator<ModelPart, void, undefined> {
  const asked = serving.request();
  const request = { ...asked, messages: [...asked.messages, ...goOn(text)] };
  let end: Parameters<CallWatch["end"]>[0] = { outcome: "unknown" };
  try {
    for await (const part of generate(target.place, target.adapt === undefined ? request : adaptRequest(request, target.adapt), signal)) {
      watch.firstByte();
      if (part.type === "finish") end = { outcome: "answered", usage: part.usage };
      yield part;
    }
  } catch (thrown) {
    end = callEnd(AppError.from(thrown), signal);
    throw thrown;
  } finally {
    watch.end(end);
  }
}

function askForAnother(answer: string, problem: string): readonly Message[] {
  return [
    { role: "assistant", content: answer },
    { role: "user", content: problem },
  ];
}

function goOn(text: string): readonly Message[] {
  return [
    { role: "assistant", content: text },
    {
      role: "user",
      content: "Your last answer was cut off. Go on exactly where it stops. Do not repeat anything, and do not say that you go on.",
    },
  ];
}

async function* watched(parts: AsyncIterable<ModelPart>, seen: ModelPart[]): AsyncGenerator<ModelPart, void, undefined> {
  for await (const part of parts) {
    seen.push(part);
    yield part;
  }
}

function headOf({ call, model, body, echo, id }: Serving): AnswerHead {
  return { id: id ?? call.runId, createdAt: Math.floor(Date.now() / 1000), model, body: echo ?? body };
}

async function writeWhole(serving: Serving, attempt: Try, parts: AsyncIterable<ModelPart>): Promise<Attempted> {
  const reply = await collect(parts);
  if (!attempt.claim()) throw lostRace();
  const final = serving.codec.encodeAnswer(reply, headOf(serving)) as JsonObject;
  const bytes = Buffer.from(JSON.stringify(final));
  tell(serving, attempt, final);
  serving.response.writeHead(200, headersOf(serving, "application/json", bytes.length));
  serving.response.end(bytes);
  if (serving.call.plan.candidates.length > 0) serving.app.models.cache.keep(serving, { contentType: "application/json", bytes });
  return { status: 200, usage: reply.usage, details: { finishReason: reply.finishReason, bytes: bytes.length, ...findings(serving) } };
}

async function writeStream(serving: Serving, attempt: Try, parts: AsyncIterable<ModelPart>): Promise<Attempted> {
  const { response, codec } = serving;
  const encoder = codec.streamEncoder(headOf(serving));
  const sent: string[] = [];
  let finish: Extract<ModelPart, { type: "finish" }> | undefined;
  let bytes = 0;
  // Another try may have begun to answer meanwhile, so what the response says of itself does not count.
  let hasBegun = false;
  try {
    for await (const part of parts) {
      hasBegun ||= begin(serving, attempt);
      if (!hasBegun) throw lostRace();
      const text = encoder.push(part);
      if (part.type === "finish") finish = part;
      if (text === "") continue;
      bytes += text.length;
      if (serving.keepsAll) sent.push(text);
      if (finish !== undefined) tell(serving, attempt, finalOf(Buffer.from(text), "text/event-stream"));
      if (!response.write(text)) await drained(response, attempt.target.place.upstream?.timeouts.idleMs);
    }
    if (finish === undefined) throw new AppError("upstream", "wanted a finished answer, got a stream that ended; try again");
  } catch (thrown) {
    if (hasBegun) endWithError(response, encoder, thrown);
    throw thrown;
  }
  response.end();
  serving.app.models.cache.keep(serving, { contentType: "text/event-stream", bytes: Buffer.from(sent.join("")) });
  return { status: 200, usage: finish.usage, details: { finishReason: finish.reason, bytes, ...findings(serving) } };
}

function begin(serving: Serving, attempt: Try): boolean {
  if (!attempt.claim()) return false;
  serving.response.writeHead(200, headersOf(serving, "text/event-stream; charset=utf-8"));
  return true;
}

/** The status is sent: clients read an error event in the stream. */
function endWithError(response: ResponseSink, encoder: StreamEncoder, thrown: unknown): void {
  if (response.destroyed) return;
  response.end(encoder.fail(wireError(thrown)));
}

function tell(serving: Serving, { target }: Try, final: JsonObject | undefined): void {
  if (final !== undefined) serving.onFinal?.(final, { providerName: target.place.provider.name, isNative: false });
}

function findings({ guard }: Serving): { readonly [key: string]: Json } {
  return guard === undefined || guard.findings.length === 0 ? {} : { guards: guard.findings as unknown as Json };
}

function headersOf({ call, surface }: Serving, contentType: string, length?: number): string[] {
  const headers = ["content-type", contentType, "cache-control", "no-store", "tutti-run-id", call.runId];
  for (const [name, value] of Object.entries(call.rateHeaders)) headers.push(name, value);
  // Anthropic's client shows it with errors and answers.
  if (surface === "messages") headers.push("request-id", `req_${call.runId}`);
  if (length !== undefined) headers.push("content-length", String(length));
  return headers;
}

function lostRace(): AppError {
  return new AppError("cancelled", "another target answered first");
}
