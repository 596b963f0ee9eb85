import { AppError } from "@tutti/core";
import type { Attempted, Try } from "../../host/index.ts";
import type { BrokenOff, Forwarded } from "../../models/index.ts";
import { finalOf } from "./final.ts";
import { countAnswer, countBroken } from "./count-answer.ts";
import type { Serving } from "./serving.ts";

/** The surfaces whose streams tell their usage only when asked. */
const ASKED_FOR_USAGE: ReadonlySet<string> = new Set(["chat/completions", "completions"]);

/** What an answer of a chat model may be, when the provider says that all is well. */
const ANSWER_TYPE = /^(?:application\/(?:[\w.+-]*\+)?json|text\/event-stream)\b/;

/** Passes a request's bytes to a provider that speaks the surface itself, and the answer's back. */
export async function relay(serving: Serving, attempt: Try, path: string): Promise<Attempted> {
  const { app, call, response, keepsAll, stream } = serving;
  const { place } = attempt.target;
  const asksForUsage = call.payer !== undefined && place.open.asksForUsage === true && stream && serving.body.stream_options === undefined;
  let broken: BrokenOff | undefined;
  try {
    const { forwarded, contentType, whole } = await app.models.forward(
      place,
      {
        ...(place.name !== serving.model && { model: place.name }),
        path,
        method: "POST",
        headers: serving.headers,
        body: bytesFor(serving, place.provider.name),
        response,
        responseHeaders: { "tutti-run-id": call.runId, ...call.rateHeaders },
        claim: () => attempt.claim(),
        passesOn: (status, type) => (status < 300 ? ANSWER_TYPE.test(type ?? "") : !isAboutKey(status) && attempt.passesOn(status)),
        keepsAll,
        hasEndMark: true,
        asksForUsage: asksForUsage && ASKED_FOR_USAGE.has(serving.surface),
        beforeEnd: serving.onFinal && ((whole, type) => tellFinal(serving, { whole, type, providerName: place.provider.name })),
        onBroken: (how) => {
          broken = how;
        },
      },
      attempt.signal,
    );
    const { usage, ...details } = forwarded;
    const { status, retryAfterMs } = details;
    if (status < 300 && app.models.cache.isFor(serving.surface)) keep(serving, contentType, whole());
    if (!isForUsToCount(serving, forwarded)) return { status, usage, retryAfterMs, details };
    return { status, usage: await countAnswer(serving, place.name, whole()), isEstimated: true, details };
  } catch (thrown) {
    const error = AppError.from(thrown);
    if (broken !== undefined) await countBroken(serving, attempt.target, broken);
    else if (wasWorkedFor(error)) await countBroken(serving, attempt.target, NOTHING_CAME);
    throw error;
  }
}

/** Whoever pays pays for what came, also where the provider does not say what that was. Counting tokens uses none. */
function isForUsToCount({ call, surface }: Serving, { status, usage }: Forwarded): boolean {
  return call.payer !== undefined && status < 300 && usage === undefined && surface !== "messages/count_tokens";
}

/** A provider that refuses Tutti's own key may repeat it; the client, whose key is another one, is told without. */
export function isAboutKey(status: number): boolean {
  return status === 401 || status === 403;
}

function keep(serving: Serving, contentType: string, bytes: Buffer | undefined): void {
  if (bytes !== undefined) serving.app.models.cache.keep(serving, { contentType, bytes });
}

const NOTHING_CAME: BrokenOff = { observed: { bytes: 0 }, whole: undefined };

/** A provider that was not waited for has read the prompt all the same. */
export function wasWorkedFor({ code }: AppError): boolean {
  return code === "cancelled" || code === "timeout";
}

function bytesFor(serving: Serving, providerName: string): Buffer {
  const own = serving.bodyFor?.(providerName);
  if (own !== undefined) return Buffer.from(JSON.stringify(own));
  return serving.bytes ?? Buffer.from(JSON.stringify(serving.body));
}

function tellFinal(
  serving: Serving,
  { whole, type, providerName }: { readonly whole: Buffer | undefined; readonly type: string; readonly providerName: string },
): void {
  const final = whole === undefined ? undefined : finalOf(whole, type);
  if (final !== undefined) serving.onFinal?.(final, { providerName, isNative: true });
}
