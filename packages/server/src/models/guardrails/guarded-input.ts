import type { ModelRequest } from "@tutti/core/model";
import { tokens } from "../tokens/index.ts";
import { filtered, type TextFilter } from "./text-filter.ts";
import type { Guard } from "./guard.ts";
import type { GuardPlace } from "./guard-config.ts";
import { inspect, MARK_NOTE, marked } from "./injection.ts";
import type { Findings } from "./findings.ts";
import { withTexts } from "./guarded-texts.ts";
import { hasTopic } from "./topics.ts";

/** What guards share while they look at one call. */
export interface Watch {
  readonly model: string;
  readonly key: Buffer;
  readonly findings: Findings;
  /** A filter for the findings of a guard in one place. */
  readonly filter: (guard: Extract<Guard, { type: "spans" }>, where: GuardPlace) => TextFilter;
}

/** The request as one guard lets it through: the same object where it found nothing to change. */
export function guardInput(request: ModelRequest, guard: Guard, watch: Watch): ModelRequest {
  switch (guard.type) {
    case "spans": {
      const filters = { input: watch.filter(guard, "input"), "tool-result": watch.filter(guard, "tool-result") };
      return withTexts(request, (text, where) => (guard.config.where.includes(where) ? filtered(filters[where], text) : text));
    }
    case "injection":
      return guardInjection(request, guard, watch);
    case "allow":
      checkAllowed(request, guard, watch);
      return request;
    case "length":
      return guardLength(request, guard, watch);
    case "schema":
      return request;
  }
}

function guardInjection(request: ModelRequest, { config }: Extract<Guard, { type: "injection" }>, { findings, key }: Watch): ModelRequest {
  let isMarked = false;
  const changed = withTexts(request, (text, where, isSaid) => {
    if (!config.where.includes(where) || text === "") return text;
    const { text: clean, found } = inspect(text, where === "tool-result" && config.action === "redact");
    for (const what of found) findings.add({ guard: config.id, where, what, action: config.action });
    const kept = config.action === "redact" ? clean : text;
    if (config.mark !== true || where !== "tool-result" || !isSaid) return kept;
    isMarked = true;
    return marked(kept, key);
  });
  // Last of the system turns, so that what stands before it stays the same for the provider's cache.
  if (!isMarked) return changed;
  const systems = changed.messages.findIndex(({ role }) => role !== "system");
  return {
    ...changed,
    messages: changed.messages.toSpliced(systems < 0 ? changed.messages.length : systems, 0, { role: "system", content: MARK_NOTE }),
  };
}

function checkAllowed({ messages }: ModelRequest, { config, finders }: Extract<Guard, { type: "allow" }>, { findings }: Watch): void {
  const last = messages.findLast(({ role }) => role === "user");
  if (last === undefined || hasTopic(finders, last.content)) return;
  findings.add({ guard: config.id, where: "input", what: "nothing of the allowed topics", action: config.action });
}

function guardLength(request: ModelRequest, { config }: Extract<Guard, { type: "length" }>, { model, findings }: Watch): ModelRequest {
  const { charactersMax = Number.POSITIVE_INFINITY, tokensMax = Number.POSITIVE_INFINITY } = config;
  for (const where of ["input", "tool-result"] as const) {
    if (!config.where.includes(where)) continue;
    const messages = request.messages.filter(({ role }) => (role === "tool") === (where === "tool-result"));
    const characters = messages.reduce((sum, { content }) => sum + content.length, 0);
    const isLong = characters > charactersMax || (tokensMax < Number.POSITIVE_INFINITY && tokens.count(model, { messages }) > tokensMax);
    if (isLong) findings.add({ guard: config.id, where, what: "more text than allowed", action: config.action });
  }
  // The provider stops by itself, and counts tokens exactly.
  if (
    !config.where.includes("output") ||
    config.action === "annotate" ||
    tokensMax >= (request.outputTokensMax ?? Number.POSITIVE_INFINITY)
  )
    return request;
  return { ...request, outputTokensMax: tokensMax };
}
