import type { Json } from "../json.ts";
import type { Message, ModelRequest, ToolCall } from "../model.ts";
import { geminiParts, resultMedia, type Part } from "./gemini-parts.ts";
import { geminiTraits, thinkingLevel, type GeminiTraits } from "./gemini-traits.ts";
import { inputObject } from "./messages-blocks.ts";
import { arrangeTurns, callsOf, isSomething, type Conversation, type Turn } from "./messages-turns.ts";
import { misfit, unsupported } from "./shape.ts";

type Fields = { readonly [key: string]: Json };

const STOPS_MAX = 5;
/** What a thought may cost where the client said only how hard to think. */
const BUDGET_TOKENS = { none: 0, minimal: 1_024, low: 1_024, medium: 8_192, high: 24_576, xhigh: 32_768, max: 32_768 } as const;
/** A conversation has to begin with the user. */
const BEGINNING: Part = { text: "(The assistant begins.)" };
/** What Google documents for calls that another model made: the newest models refuse calls without any signature. */
const OF_ANOTHER_MODEL = "skip_thought_signature_validator";

/**
 * Writes a request as Google's `streamGenerateContent` wants it: the system apart, turns in order, results directly after their calls and
 * under their names. What this model would refuse is left out when it is a hint and thrown as `unsupported` when it is not. Schemas go as
 * they are: whoever asks has put them in Google's dialect.
 */
export function encodeGeminiRequest(model: string, request: ModelRequest): Json {
  if (request.speech !== undefined) throw unsupported("modalities", "text; this provider speaks through /v1/audio/speech only", "audio");
  const traits = geminiTraits(model);
  const { system, contents } = encodeTurns(arrangeTurns(request.messages), traits);
  const generationConfig = { ...encodeSampling(request, traits), ...encodeThinking(request, traits), ...encodeFormat(request, traits) };
  return {
    contents,
    ...(system !== "" && { systemInstruction: { parts: [{ text: system }] } }),
    ...encodeTools(request),
    ...(Object.keys(generationConfig).length > 0 && { generationConfig }),
  };
}

function encodeTurns(conversation: Conversation, traits: GeminiTraits): { readonly system: string; readonly contents: readonly Json[] } {
  const { turns } = conversation;
  const late = turns.flatMap((turn) => (turn.role === "user" ? turn.system : []));
  const system = [...conversation.system, ...late].filter(isSomething).join("\n\n");
  const contents = turns.flatMap((turn, index) => {
    if (turn.role === "assistant") return content("model", modelParts(turn, traits));
    const said = turn.said.flatMap(geminiParts);
    return [...content("user", resultParts(turn.results, callsOf(turns[index - 1]), traits)), ...content("user", said)];
  });
  // Gemma has no place for the system but the user's turn; and somebody has to say something.
  const isUsers = system !== "" && (!traits.hasSystem || contents.length === 0);
  if (isUsers) contents.unshift(...content("user", [{ text: system }]));
  if (contents.length === 0) throw misfit("messages", "at least one turn with something in it", turns);
  if (contents[0]?.role !== "user") contents.unshift(...content("user", [BEGINNING]));
  return { system: isUsers ? "" : system, contents };
}

function content(role: "user" | "model", parts: readonly Part[]): Fields[] {
  return parts.length === 0 ? [] : [{ role, parts }];
}

function modelParts(turn: Extract<Turn, { role: "assistant" }>, traits: GeminiTraits): readonly Part[] {
  // Of calls that were made together, only the first one is signed.
  let isFirst = true;
  return turn.said.flatMap((message) => [
    ...geminiParts(message),
    ...(message.calls ?? []).map((call): Part => {
      const signature = call.signature ?? (isFirst && traits.isThird ? OF_ANOTHER_MODEL : undefined);
      isFirst = false;
      const functionCall = { id: call.id, name: call.name, args: inputObject(call.input) };
      return { functionCall, ...(signature !== undefined && { thoughtSignature: signature }) };
    }),
  ]);
}

function resultParts(results: readonly Message[], calls: readonly ToolCall[], traits: GeminiTraits): readonly Part[] {
  const media: Part[] = [];
  const parts = results.map((result): Part => {
    const id = result.callId ?? "";
    const name = calls.find((call) => call.id === id)?.name ?? id;
    const shown = resultMedia(result);
    const response = result.isError === true ? { error: result.content } : { output: result.content };
    if (traits.isThird) return { functionResponse: { id, name, response, ...(shown.length > 0 && { parts: shown }) } };
    // Older models see pictures in the user's turn only.
    media.push(...shown);
    return { functionResponse: { id, name, response } };
  });
  return [...parts, ...media];
}

function encodeTools({ tools = [], toolChoice = "auto" }: ModelRequest): Fields {
  if (tools.length === 0) return {};
  const functionDeclarations = tools.map(({ name, description, parameters }): Fields => {
    return { name, description, parametersJsonSchema: parameters };
  });
  const isStrict = tools.some(({ strict }) => strict === true);
  const functionCallingConfig = callingConfig(toolChoice, isStrict);
  return { tools: [{ functionDeclarations }], ...(functionCallingConfig !== undefined && { toolConfig: { functionCallingConfig } }) };
}

function callingConfig(toolChoice: Exclude<ModelRequest["toolChoice"], undefined>, isStrict: boolean): Fields | undefined {
  if (toolChoice === "auto") return isStrict ? { mode: "VALIDATED" } : undefined;
  if (toolChoice === "none") return { mode: "NONE" };
  return { mode: "ANY", ...(toolChoice !== "required" && { allowedFunctionNames: [toolChoice.name] }) };
}

function encodeSampling({ sampling = {}, outputTokensMax }: ModelRequest, traits: GeminiTraits): Fields {
  const { temperature, topP, topK, seed, presencePenalty, frequencyPenalty, stop = [] } = sampling;
  if (stop.length > STOPS_MAX) throw unsupported("stop", `at most ${STOPS_MAX} stop sequences`, stop);
  return {
    ...(outputTokensMax !== undefined && { maxOutputTokens: outputTokensMax }),
    ...(temperature !== undefined && { temperature }),
    ...(topP !== undefined && { topP }),
    ...(topK !== undefined && { topK }),
    ...(seed !== undefined && { seed }),
    ...(traits.hasPenalties && presencePenalty !== undefined && { presencePenalty }),
    ...(traits.hasPenalties && frequencyPenalty !== undefined && { frequencyPenalty }),
    ...(stop.length > 0 && { stopSequences: stop }),
  };
}

function encodeThinking({ reasoning }: ModelRequest, { thinking }: GeminiTraits): Fields {
  if (reasoning === undefined || thinking.by === "never") return {};
  const config = {
    ...(reasoning.isShown !== undefined && { includeThoughts: reasoning.isShown }),
    ...(thinking.by === "level" ? levelOf(reasoning, thinking.lowest) : budgetOf(reasoning, thinking)),
  };
  return Object.keys(config).length === 0 ? {} : { thinkingConfig: config };
}

type Wanted = NonNullable<ModelRequest["reasoning"]>;

function levelOf({ effort, tokensMax }: Wanted, lowest: Parameters<typeof thinkingLevel>[1]): Fields {
  const wanted = effort ?? effortOf(tokensMax);
  return wanted === undefined ? {} : { thinkingLevel: thinkingLevel(wanted, lowest) };
}

function effortOf(tokensMax: number | undefined): "minimal" | "low" | "medium" | "high" | undefined {
  if (tokensMax === undefined) return undefined;
  if (tokensMax <= BUDGET_TOKENS.none) return "minimal";
  if (tokensMax <= BUDGET_TOKENS.low * 2) return "low";
  return tokensMax <= BUDGET_TOKENS.medium * 2 ? "medium" : "high";
}

function budgetOf({ effort, tokensMax }: Wanted, bounds: { readonly tokensMin: number; readonly tokensMax: number }): Fields {
  const wanted = tokensMax ?? (effort === undefined ? undefined : BUDGET_TOKENS[effort]);
  return wanted === undefined ? {} : { thinkingBudget: Math.min(bounds.tokensMax, Math.max(bounds.tokensMin, wanted)) };
}

function encodeFormat({ format, tools = [] }: ModelRequest, traits: GeminiTraits): Fields {
  if (format === undefined) return {};
  if (tools.length > 0 && !traits.isThird)
    throw unsupported("response_format", "tools or JSON, of which this model can do one at a time", "both");
  return {
    responseMimeType: "application/json",
    ...(format.type === "schema" && { responseJsonSchema: format.schema }),
  };
}
