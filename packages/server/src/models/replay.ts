import { AppError, canonicalJson, type Json, type Model, type ModelPart, type ModelRequest } from "@tutti/core";
import { chatCodec } from "@tutti/core/wire";
import type { Exchange } from "./exchange.ts";
import { answerError, cancellation } from "./upstream-error.ts";

const SHOWN_CHARS_MAX = 200;

/**
 * A model that answers with recorded exchanges, in their order. Each request must be the recorded one, field by field; another one is a
 * `conflict` that says where the two differ. For tests: what is decoded are the bytes that a real server sent.
 */
export function replayModel(id: string, exchanges: readonly Exchange[]): Model {
  let played = 0;
  return {
    id,
    async *generate(request: ModelRequest, signal: AbortSignal): AsyncGenerator<ModelPart, void, undefined> {
      if (signal.aborted) throw cancellation(signal);
      const exchange = exchanges[played];
      if (exchange === undefined) throw new AppError("conflict", `wanted at most the ${exchanges.length} recorded requests, got one more`);
      const difference = firstDifference(exchange.request, chatCodec.encodeRequest(id, request), "request");
      if (difference !== undefined) throw new AppError("conflict", `exchange ${played + 1} of ${exchanges.length}: ${difference}`);
      played += 1;
      const { status, headers, body } = exchange.response;
      if (status < 200 || status > 299) throw answerError(id, { status, retryAfter: headers["retry-after"], body });
      for await (const part of chatCodec.decodeAnswer(inOnePiece(body))) {
        yield part;
        if (signal.aborted) throw cancellation(signal);
      }
    },
  };
}

async function* inOnePiece(body: string): AsyncGenerator<string> {
  yield body;
}

/** Where two JSON values first differ, in words. */
function firstDifference(wanted: Json | undefined, got: Json | undefined, path: string): string | undefined {
  if (isBranch(wanted) && isBranch(got) && Array.isArray(wanted) === Array.isArray(got)) {
    for (const key of new Set([...Object.keys(wanted), ...Object.keys(got)])) {
      const difference = firstDifference(child(wanted, key), child(got, key), Array.isArray(wanted) ? `${path}[${key}]` : `${path}.${key}`);
      if (difference !== undefined) return difference;
    }
    return undefined;
  }
  return show(wanted) === show(got) ? undefined : `${path}: wanted ${shorten(show(wanted))}, got ${shorten(show(got))}`;
}

type Branch = readonly Json[] | { readonly [key: string]: Json };

function isBranch(value: Json | undefined): value is Branch {
  return typeof value === "object" && value !== null;
}

function child(value: Branch, key: string): Json | undefined {
  return Object.hasOwn(value, key) ? (value as { readonly [key: string]: Json })[key] : undefined;
}

function show(value: Json | undefined): string {
  return value === undefined ? "nothing" : canonicalJson(value);
}

function shorten(text: string): string {
  return text.length <= SHOWN_CHARS_MAX ? text : `${text.slice(0, SHOWN_CHARS_MAX)}…`;
}
