import { hash } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import { AppError, type Json, type Principal } from "@tutti/core";
import { SseDecoder, usageOfMedia, type MeteredUsage } from "@tutti/core/wire";
import type { App, Attempted, GatewayCall, Try } from "../../host/index.ts";
import { cacheHeader, type BrokenOff, type CacheQuestion, type ResponseSink, type Target } from "../../models/index.ts";
import { wireError } from "../problem.ts";
import { tagsOf } from "./ask.ts";
import { drained } from "./drained.ts";
import { eitherSignal } from "./either-signal.ts";
import { guardMedia } from "./media-guard.ts";
import { isAboutKey, wasWorkedFor } from "./relay.ts";
import type { MediaAnswer, MediaBody, MediaCall, MediaSurface } from "./media.ts";

/** A request at one of the doors that are no conversation, and where its answer goes. */
export interface MediaRequest {
  readonly surface: MediaSurface;
  readonly bytes: Buffer;
  readonly contentType: string | undefined;
  readonly principal: Principal;
  readonly headers: IncomingHttpHeaders;
  readonly response: ResponseSink;
  readonly signal?: AbortSignal | undefined;
}

interface Serving extends MediaRequest {
  readonly app: App;
  readonly asked: MediaCall;
  readonly call: GatewayCall;
  readonly question: CacheQuestion;
}

/** An answer that is a page is a proxy's, not a model's. */
const PAGE = /^text\/html\b/;
const EVENTS = "text/event-stream";
const JSON_TYPE = "application/json";

/** Answers a request: planned, decided, guarded, from the cache or a model, counted and journaled as every call is. Throws while nothing has been sent. */
export async function serveMedia(app: App, request: MediaRequest): Promise<void> {
  const { surface, bytes, contentType, principal, headers, response } = request;
  const asked = surface.read(givenOf({ app, bytes, contentType }));
  const { model, needs, stream } = asked;
  const input = { model, requestBytes: bytes.length, requestSha256: hash("sha256", bytes, "hex"), stream };
  // Texts to embed or to rank are each on their own, and how much of a long one is read is the model's business.
  const isManyTexts = surface.surface === "embeddings" || surface.surface === "rerank";
  const promptTokens = (): number => (isManyTexts ? 0 : promptTokensOf(app, asked));
  const ask = { surface: surface.surface, model, principal, needs, promptTokens, tags: tagsOf({ headers, principal }, app.keys), input };
  try {
    await app.gateway.call(ask, (call) => answer({ ...request, app, asked, call }));
  } catch (thrown) {
    if (!response.headersSent) throw thrown;
  }
}

function givenOf({ app, bytes, contentType }: Pick<Serving, "app" | "bytes" | "contentType">): MediaBody {
  return { bytes, contentType, depthMax: app.config.requestDepthMax };
}

/** Before anything is asked; what was read is counted afterwards. */
function promptTokensOf(app: App, { texts }: MediaCall): number {
  return app.models.tokens.estimate(texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0));
}

function questionOf({ surface, headers, principal }: MediaRequest, { model, stream, body }: MediaCall): CacheQuestion {
  return { surface: surface.surface, model, stream, body, headers, principal };
}

async function answer(serving: Omit<Serving, "question">): Promise<Attempted> {
  const { app, call, principal, headers } = serving;
  const guard = app.models.guardrails.session({
    model: serving.asked.model,
    tenant: principal.tenant,
    tags: tagsOf({ headers, principal }, app.keys),
  });
  const asked = guard === undefined ? serving.asked : guardMedia(guard, { ...serving, given: givenOf(serving) });
  const allowed: Serving = { ...serving, asked, question: questionOf(serving, asked) };
  const cached = await fromCache(allowed);
  const findings = guard === undefined || guard.findings.length === 0 ? {} : { guards: guard.findings as unknown as Json };
  if (cached !== undefined) return { ...cached, details: { ...cached.details, ...findings } };
  const { input = 0, output = 0 } = asked.tokensAssumed ?? {};
  await call.reserve(promptTokensOf(app, asked) + input, { tokensMax: output, count: 1 });
  const done = await call.attempt((attempt) => tryOne(allowed, attempt), serving.signal);
  return { ...done, details: { ...done.details, ...findings } };
}

async function fromCache({ app, call, surface, response, question }: Serving): Promise<Attempted | undefined> {
  const { cache } = app.models;
  if (!cache.isFor(surface.surface)) return undefined;
  const cached = await cache.find(question);
  if (cached === undefined) return undefined;
  response.writeHead(200, ["content-type", cached.contentType, "tutti-run-id", call.runId, "tutti-cache", cacheHeader(cached)]);
  response.end(cached.bytes);
  return { status: 200, details: { cache: { how: cached.how, ageMs: cached.ageMs }, bytes: cached.bytes.length } };
}

function tryOne(serving: Serving, attempt: Try): Promise<Attempted> {
  const { asked, surface } = serving;
  const { open, name } = attempt.target.place;
  const isTooLarge = asked.isTooLargeFor?.(open) === true;
  const path = isTooLarge ? undefined : open.native?.(surface.surface, { name, stream: asked.stream });
  return path === undefined ? translate(serving, attempt) : relay(serving, attempt, path);
}

/** Passes the bytes to a provider that speaks the surface itself, and the answer's back. */
async function relay(serving: Serving, attempt: Try, path: string): Promise<Attempted> {
  const { app, asked, call, surface, question } = serving;
  const { place } = attempt.target;
  let broken: BrokenOff | undefined;
  try {
    const { forwarded, contentType, whole } = await app.models.forward(
      place,
      {
        path,
        method: "POST",
        headers: serving.headers,
        body: place.name === asked.model ? asked.bytes : asked.named(place.name),
        response: serving.response,
        responseHeaders: { "tutti-run-id": call.runId, ...call.rateHeaders },
        claim: () => attempt.claim(),
        passesOn: (status, type) => (status < 300 ? !PAGE.test(type ?? "") : !isAboutKey(status) && attempt.passesOn(status)),
        keepsAll: call.payer !== undefined || app.models.cache.isFor(surface.surface),
        onBroken: (how) => {
          broken = how;
        },
      },
      attempt.signal,
    );
    const { usage: observed, ...details } = forwarded;
    if (forwarded.status >= 300) return { status: forwarded.status, retryAfterMs: forwarded.retryAfterMs, details };
    const kept = whole();
    if (kept !== undefined) app.models.cache.keep(question, { contentType, bytes: kept });
    const read = kept === undefined ? undefined : usageIn(kept, contentType);
    const said = observed === undefined ? read : { ...read, ...observed };
    return { status: forwarded.status, ...(await counted(serving, said)), details: { ...details, ...meteredField(serving, said) } };
  } catch (thrown) {
    if (broken !== undefined || wasWorkedFor(AppError.from(thrown))) await countBroken(serving, attempt.target, broken?.observed.usage);
    throw thrown;
  }
}

/** An answer that was broken off after it had begun was worked for, and is paid for. */
async function countBroken(serving: Serving, target: Target, said: MeteredUsage | undefined): Promise<void> {
  const { usage, isEstimated = false } = await counted(serving, said);
  if (usage !== undefined) serving.call.spent(target, usage, isEstimated);
}

/** What a passed-through answer says of its usage: its JSON, or the last event of its stream. */
function usageIn(kept: Buffer, contentType: string): MeteredUsage | undefined {
  try {
    const text = kept.toString("utf8");
    if (contentType.startsWith(JSON_TYPE)) return usageOfMedia(JSON.parse(text));
    if (!contentType.startsWith(EVENTS)) return undefined;
    const last = new SseDecoder({ eventCharsMax: text.length + 1 }).push(text).findLast(({ data }) => data !== "[DONE]");
    return last && usageOfMedia(JSON.parse(last.data));
  } catch {
    // The bytes are the provider's and have gone out as they are; what does not parse says nothing.
    return undefined;
  }
}

/** Who pays by tokens pays for what was read where the provider does not say, too. */
async function counted(serving: Serving, said: MeteredUsage | undefined): Promise<Pick<Attempted, "usage" | "isEstimated">> {
  if (said !== undefined && said.inputTokens + said.outputTokens > 0)
    return { usage: { inputTokens: said.inputTokens, outputTokens: said.outputTokens } };
  if (serving.call.payer === undefined) return {};
  const { tokens } = serving.app.models;
  await tokens.load(serving.asked.model);
  const inputTokens = tokens.countText(serving.asked.model, serving.asked.texts.join("\n"));
  return { usage: { inputTokens, outputTokens: 0 }, isEstimated: true };
}

/** What is not priced by tokens: characters spoken, seconds heard, pictures drawn. */
function meteredField({ asked }: Serving, said: MeteredUsage | undefined): { readonly metered?: Json } {
  const metered = {
    ...asked.metered,
    ...(said?.seconds !== undefined && { seconds: said.seconds }),
    ...(said?.images !== undefined && { images: said.images }),
    ...(said?.searches !== undefined && { searches: said.searches }),
  };
  return Object.keys(metered).length === 0 ? {} : { metered };
}

/** Asks a provider in its own words, and writes the answer in OpenAI's. */
async function translate(serving: Serving, attempt: Try): Promise<Attempted> {
  const { asked, response } = serving;
  const gone = new AbortController();
  const onClose = (): void => gone.abort(new AppError("cancelled", "the client left before its answer was whole"));
  response.once("close", onClose);
  try {
    const signal = eitherSignal(attempt.signal, gone.signal);
    const answer = await asked.translate(attempt.target.place, signal);
    const bytes = await write(serving, attempt, answer);
    const said = answer.usage();
    return { status: 200, ...(await counted(serving, said)), details: { bytes, ...meteredField(serving, said) } };
  } finally {
    response.off("close", onClose);
  }
}

/** Sends an answer as it comes, at the client's pace. Nothing is claimed before the first piece: until then another target may do better. */
async function write(serving: Serving, attempt: Try, answer: MediaAnswer): Promise<number> {
  const { app, call, response, question } = serving;
  const kept: Buffer[] = [];
  let bytes = 0;
  // Another try may have begun to answer meanwhile, so what the response says of itself does not count.
  let hasBegun = false;
  const begin = (): void => {
    if (!attempt.claim()) throw new AppError("cancelled", "another target answered first");
    const rates = Object.entries(call.rateHeaders).flat();
    response.writeHead(200, ["content-type", answer.contentType, "tutti-run-id", call.runId, ...rates]);
    hasBegun = true;
  };
  try {
    for await (const piece of answer.body) {
      if (!hasBegun) begin();
      bytes += Buffer.byteLength(piece);
      if (answer.contentType === JSON_TYPE) kept.push(Buffer.from(piece));
      if (!response.write(piece)) await drained(response, attempt.target.place.upstream?.timeouts.idleMs);
    }
  } catch (thrown) {
    if (hasBegun) {
      breakOff(response, answer.contentType, thrown);
      await countBroken(serving, attempt.target, answer.usage());
    }
    throw thrown;
  }
  if (!hasBegun) begin();
  response.end();
  if (kept.length > 0) app.models.cache.keep(question, { contentType: JSON_TYPE, bytes: Buffer.concat(kept) });
  return bytes;
}

/** The status is sent: clients read an error event in a stream; half a recording must not be taken for a whole one. */
function breakOff(response: ResponseSink, contentType: string, thrown: unknown): void {
  if (response.destroyed) return;
  if (!contentType.startsWith(EVENTS)) return void response.destroy();
  const { message, code } = wireError(thrown);
  response.end(`data: ${JSON.stringify({ error: { message, type: "server_error", param: null, code } })}\n\n`);
}
