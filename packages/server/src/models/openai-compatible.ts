import { AppError, type Model, type ModelPart, type ModelRequest } from "@tutti/core";
import { decodeChatAnswer, encodeChatRequest } from "@tutti/core/wire";
import type { Dispatcher } from "undici";
import { answerError, cancellation, transportError } from "./upstream-error.ts";
import type { Outcome, Upstream } from "./upstream.ts";

/** The most bytes of an answer; a model that never stops would fill the memory of whoever collects it. */
const ANSWER_BYTES_MAX = 64 * 1024 * 1024;
/** How much of a refusal is read. */
const REFUSAL_CHARS_MAX = 65_536;
/** What may follow the end of an answer before its connection is given up. */
const REST_BYTES_MAX = 4_096;
const REST_MS = 250;

type Body = Dispatcher.ResponseData["body"];

/** A model behind an OpenAI-compatible server. `name` is what the server calls it. */
export function openaiCompatible(id: string, name: string, upstream: Upstream): Model {
  return { id, generate: (request, signal) => generate({ name, upstream, request }, signal) };
}

interface Call {
  readonly name: string;
  readonly upstream: Upstream;
  readonly request: ModelRequest;
}

async function* generate({ name, upstream, request }: Call, signal: AbortSignal): AsyncGenerator<ModelPart, void, undefined> {
  if (signal.aborted) throw cancellation(signal);
  const body = JSON.stringify(encodeChatRequest(name, request));
  const headers = ["content-type", "application/json", "accept", "text/event-stream", ...upstream.ownHeaders];
  upstream.admit();
  let outcome: Outcome = "unknown";
  try {
    const answer = await upstream.request({ path: "/chat/completions", method: "POST", headers, body }, signal);
    // An error may come when nobody reads the body any more; without a listener it would end the process.
    answer.body.on("error", () => {});
    outcome = answer.statusCode >= 500 ? "failed" : "answered";
    if (answer.statusCode < 200 || answer.statusCode > 299) throw await refusal(answer, upstream.provider.name);
    yield* decodeChatAnswer(bytesOf(answer.body, signal));
  } catch (thrown) {
    const error = transportError(thrown, upstream.provider.name, signal);
    if (!signal.aborted && (error.code === "upstream" || error.code === "timeout")) outcome = "failed";
    throw error;
  } finally {
    upstream.settle(outcome);
  }
}

async function refusal(answer: Dispatcher.ResponseData, providerName: string): Promise<Error> {
  const retryAfter = answer.headers["retry-after"];
  let body = "";
  for await (const chunk of answer.body.setEncoding("utf8") as AsyncIterable<string>) {
    body += chunk;
    if (body.length > REFUSAL_CHARS_MAX) break;
  }
  return answerError(providerName, {
    status: answer.statusCode,
    retryAfter: typeof retryAfter === "string" ? retryAfter : undefined,
    body,
  });
}

async function* bytesOf(body: Body, signal: AbortSignal): AsyncGenerator<Uint8Array, void, undefined> {
  let bytes = 0;
  try {
    for await (const chunk of body.iterator({ destroyOnReturn: false }) as AsyncIterable<Uint8Array>) {
      if (signal.aborted) throw cancellation(signal);
      bytes += chunk.length;
      if (bytes > ANSWER_BYTES_MAX)
        throw new AppError("upstream", `wanted an answer of at most ${ANSWER_BYTES_MAX} bytes, got a longer one from the model`);
      yield chunk;
    }
  } finally {
    if (signal.aborted) body.destroy();
    else await readRest(body);
  }
}

/** After an answer's last event only the end of the body is left; reading it lets the connection be used again. */
async function readRest(body: Body): Promise<void> {
  const timer = setTimeout(() => body.destroy(), REST_MS);
  let bytes = 0;
  try {
    for await (const chunk of body as AsyncIterable<Uint8Array>) {
      bytes += chunk.length;
      if (bytes > REST_BYTES_MAX) break;
    }
  } catch {
    // The answer was whole, or its reader has failed already: how the connection ends changes nothing.
  } finally {
    clearTimeout(timer);
  }
}
