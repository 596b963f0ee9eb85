import type { ModelRequest } from "@tutti/core/model";
import { holdsSeal } from "@tutti/core/wire";
import type { App, Attempted, GatewayAsk, GatewayCall, Try } from "../../host/index.ts";
import type { GuardSession } from "../../models/index.ts";
import { answersOf, askOf, tagsOf } from "./ask.ts";
import { fromCache } from "./from-cache.ts";
import { relay } from "./relay.ts";
import type { ServeCall, Serving } from "./serving.ts";
import { translate } from "./translate.ts";

const NEVER = new AbortController().signal;
/** A prompt is counted before its provider counts it; what is set aside for it has to be enough all the same. */
const ESTIMATE_MARGIN = 1.5;

/** Answers a request: planned, decided, guarded, from the cache or from a model, counted and journaled. Throws while nothing has been sent. */
export async function serve(app: App, call: ServeCall): Promise<void> {
  const read = once(() => call.codec.decodeRequest(call.body).request);
  try {
    const { tokens } = app.models;
    const ask = askOf(call, tagsOf(call, app.keys), {
      estimate: (bytes) => tokens.estimate(bytes),
      exact: () => tokens.count(call.model, read()),
    });
    await app.gateway.call(ask, (begun) => answer(app, { ...call, read, ask }, begun));
  } catch (thrown) {
    if (!call.response.headersSent) throw thrown;
  }
}

/** A call whose request can be read, once. */
type Readable = ServeCall & { readonly read: () => ModelRequest; readonly ask: GatewayAsk };

async function answer(app: App, call: Readable, begun: GatewayCall): Promise<Attempted> {
  const serving = await prepare(app, call, begun);
  const cached = await fromCache(serving);
  if (cached !== undefined) return cached;
  if (begun.payer !== undefined)
    await begun.reserve(call.ask.promptTokens() * ESTIMATE_MARGIN, { tokensMax: call.ask.outputTokensMax, count: answersOf(call.body) });
  return begun.attempt((attempt) => tryOne(serving, attempt), call.signal);
}

/** The request as the guards and the plan leave it. */
async function prepare(app: App, call: Readable, begun: GatewayCall): Promise<Serving> {
  const { guardrails, cache } = app.models;
  const tags = tagsOf(call, app.keys);
  const guard = guardrails.session({ model: call.model, tenant: call.principal.tenant, tags });
  const guarded = guard?.input(call.read());
  const allowed = guarded?.isChanged === true ? guarded.request : undefined;
  const changed =
    begun.plan.pruneToTokens === undefined ? allowed : await app.gateway.prune(begun, allowed ?? call.read(), call.signal ?? NEVER);
  return {
    ...call,
    app,
    call: begun,
    request: () => changed ?? call.read(),
    tags,
    guard,
    mustTranslate: call.mustTranslate === true || changed !== undefined || (guard !== undefined && isGuarded(guard)),
    keepsAll: begun.payer !== undefined || call.onFinal !== undefined || cache.isFor(call.surface),
  };
}

/** Bytes hold fields that no codec reads, and that no guard has seen. */
function isGuarded({ looksAtInput, changesOutput }: GuardSession): boolean {
  return looksAtInput || changesOutput;
}

function tryOne(serving: Serving, attempt: Try): Promise<Attempted> {
  const { open, name } = attempt.target.place;
  // Bytes that were broken off cannot be gone on with.
  const mayResume = serving.stream && serving.call.plan.resumesText && serving.call.plan.candidates.length > 1;
  const mustTranslate = serving.mustTranslate || mayResume || attempt.target.adapt !== undefined || holdsForeignThoughts(serving);
  const path = mustTranslate ? undefined : open.native?.(serving.surface, { name, stream: serving.stream });
  return path === undefined ? translate(serving, attempt) : relay(serving, attempt, path);
}

/** Thoughts of other models that went through here carry a seal of ours, which Anthropic cannot read: translated, they are left out. */
function holdsForeignThoughts({ surface, bytes }: Serving): boolean {
  return surface === "messages" && bytes !== undefined && holdsSeal(bytes.toString("latin1"));
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}
