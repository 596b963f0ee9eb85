import { AppError } from "@tutti/core";
import { collect, type Message, type ModelRequest } from "@tutti/core/model";
import { prune, type Models } from "../../models/index.ts";
import { tellingSentences } from "../../tools/index.ts";
import type { GatewayCall } from "./call.ts";

const SENTENCES_MAX = 8;
const INSTRUCTIONS =
  "Sum up this part of a conversation for somebody who goes on with it: facts, decisions, names, numbers, open questions. Only what is there.";

/**
 * Shortens a request to so many tokens. What was left out is summed up by the model that will answer, which counts as its spending; by its
 * most telling sentences where that fails.
 */
export async function pruned(
  { models, call, request }: { readonly models: Models; readonly call: GatewayCall; readonly request: ModelRequest },
  tokensMax: number,
  signal: AbortSignal,
): Promise<ModelRequest> {
  const [first] = call.plan.candidates;
  if (first === undefined) return request;
  const { place } = first.target;
  const { tokens } = models;
  await tokens.load(place.name);
  const summarize = async (leftOut: readonly Message[], outputTokensMax: number): Promise<string> => {
    const messages: readonly Message[] = [
      { role: "system", content: INSTRUCTIONS },
      { role: "user", content: leftOut.map(({ role, content }) => `${role}: ${content}`).join("\n\n") },
    ];
    const parts = place.open.generate?.(place.name, { messages, outputTokensMax }, signal);
    if (parts === undefined) throw new AppError("unsupported", `wanted a model that can sum up, got "${first.target.id}"`);
    const reply = await collect(parts);
    call.spent(first.target, reply.usage, false);
    return reply.content;
  };
  const count = (asked: ModelRequest): number => tokens.count(place.name, asked);
  const done = await prune(
    request,
    { tokensMax, count, summarize, extract: (text) => tellingSentences(text, SENTENCES_MAX).join(" ") },
    signal,
  );
  return done.request;
}
