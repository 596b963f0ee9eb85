import type { Ability, ModelFacts, OpenProvider } from "../provider-kind.ts";
import type { Surface } from "../provider.ts";
import type { RouteQuestion } from "./route-plan.ts";
import type { Place } from "./target.ts";

/** Whether a model can take a request: surely, perhaps (not everything is known, or it is tight), or not. */
export type Suitability =
  | { readonly fit: "sure" }
  | { readonly fit: "unsure"; readonly reason: string }
  | { readonly fit: "none"; readonly reason: string };

/** Tokens are counted before the provider counts them, so a prompt is called too long only when it is so beyond doubt. */
const COUNT_ERROR = 1.05;
const SURE: Suitability = { fit: "sure" };

/** Holds a model's facts against a request. `promptTokensMax` is what the prompt will be shortened to. */
export function suitabilityOf(
  place: Place,
  facts: ModelFacts | undefined,
  ask: { readonly question: RouteQuestion; readonly pin: string | undefined; readonly promptTokensMax: number | undefined },
): Suitability {
  const { question, pin, promptTokensMax } = ask;
  const found = checkPin(pin, facts?.version);
  if (found?.fit === "none") return found;
  if (!serves(place, question.surface)) return { fit: "none", reason: `the provider ${place.provider.name} cannot do ${question.surface}` };
  const able = checkAbilities(question.needs, facts?.abilities);
  if (able?.fit === "none") return able;
  const length = facts?.contextTokens === undefined ? undefined : checkLength(question, facts.contextTokens, promptTokensMax);
  if (length?.fit === "none") return length;
  return found ?? able ?? length ?? SURE;
}

/** A digest may be given by its beginning, with or without the name of its hash. */
function checkPin(pin: string | undefined, version: string | undefined): Suitability | undefined {
  if (pin === undefined) return undefined;
  if (version === undefined) return { fit: "unsure", reason: `pinned to ${pin}, and its version is not known` };
  if (withoutHash(version).startsWith(withoutHash(pin))) return undefined;
  return {
    fit: "none",
    reason: `pinned to ${pin}, but its provider has ${version} now; bring the pinned version back, or look at the new one and change the pin`,
  };
}

function withoutHash(version: string): string {
  return version.startsWith("sha256:") ? version.slice(7) : version;
}

function checkAbilities(needs: readonly Ability[], abilities: readonly Ability[] | undefined): Suitability | undefined {
  if (needs.length === 0) return undefined;
  // Whoever takes a text surface is taken to chat; what else is asked for is another matter.
  if (abilities === undefined && needs.every((need) => need === "chat")) return undefined;
  if (abilities === undefined) return { fit: "unsure", reason: `whether it can do ${needs.join(", ")} is not known` };
  const lacking = needs.filter((need) => !abilities.includes(need));
  return lacking.length === 0 ? undefined : { fit: "none", reason: `it cannot do ${lacking.join(", ")}` };
}

function checkLength(question: RouteQuestion, contextTokens: number, promptTokensMax: number | undefined): Suitability | undefined {
  const asked = question.promptTokens();
  const promptTokens = promptTokensMax === undefined ? asked : Math.min(asked, promptTokensMax);
  if (promptTokens > contextTokens * COUNT_ERROR)
    return { fit: "none", reason: `about ${Math.round(promptTokens)} tokens do not fit its context of ${contextTokens}` };
  const wanted = promptTokens + (question.outputTokensMax ?? 0);
  if (wanted <= contextTokens) return undefined;
  return {
    fit: "unsure",
    reason: `about ${Math.round(promptTokens)} tokens with an answer of up to ${question.outputTokensMax ?? 0} are tight in its context of ${contextTokens}`,
  };
}

/** What a provider may be able to do, any of it, to serve a surface that it does not speak itself. */
const DOES: Readonly<Record<Surface, readonly (keyof OpenProvider)[]>> = {
  "chat/completions": ["generate"],
  responses: ["generate"],
  messages: ["generate"],
  // Counted here where the provider does not.
  "messages/count_tokens": ["native", "generate"],
  completions: ["generate"],
  embeddings: ["embed"],
  // Embeddings that are near each other rank too.
  rerank: ["rank", "embed"],
  // A chat model that hears can write down what it hears.
  "audio/transcriptions": ["transcribe", "generate"],
  "audio/translations": ["transcribe", "generate"],
  "audio/speech": ["speak"],
  "images/generations": ["draw"],
  "images/edits": [],
  moderations: [],
};

function serves({ open, name }: Place, surface: Surface): boolean {
  return DOES[surface].some((method) => open[method] !== undefined) || open.native?.(surface, { name, stream: false }) !== undefined;
}
