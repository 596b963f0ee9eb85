import type { Quirks } from "../adapt-request.ts";
import type { ProviderKind } from "../provider-kind.ts";
import type { Surface } from "../provider.ts";
import { openShaped, type Shape } from "./openai-shaped.ts";

/** OpenAI's own API. Its options: `organization` and `project`, as the headers of the same meaning. */
export const openai: ProviderKind = {
  kind: "openai",
  baseUrl: "https://api.openai.com/v1",
  headers({ apiKey, options = {} }) {
    const { organization, project } = options;
    return [
      ...(apiKey === undefined ? [] : ["authorization", `Bearer ${apiKey}`]),
      ...(typeof organization === "string" ? ["openai-organization", organization] : []),
      ...(typeof project === "string" ? ["openai-project", project] : []),
    ];
  },
  open: (parts) => openShaped(parts, openaiShape),
};

const SURFACES: readonly Surface[] = [
  "chat/completions",
  "responses",
  "completions",
  "embeddings",
  "audio/transcriptions",
  "audio/translations",
  "audio/speech",
  "images/generations",
  "images/edits",
  "moderations",
];

/** How OpenAI's models are spoken to, wherever they are hosted; told by their names. */
export const openaiShape: Shape = { surfaces: SURFACES, quirks: quirksOf, serves };

/** Models that think: they draw their tokens in their own way, and refuse to be told another. */
const THINKING = /^(?:o\d|gpt-(?:[5-9]|\d\d)|codex)/;
/** Of those, the ones that only chat. */
const CHATTING = /-chat\b/;
/** Models that only the Responses API serves. */
const RESPONSES_ONLY = /^(?:o\d+|gpt-[\d.]+)-pro\b|codex|deep-research|computer-use/;
/** Models that complete texts, and do not converse. */
const COMPLETING = /instruct|^(?:davinci|babbage)-/;

/** Fields that no model of OpenAI takes. */
const UNKNOWN = ["top_k", "reasoning"] as const;
const NOT_CHATTING: Quirks = { hasRefusals: true, efforts: [], without: UNKNOWN };
const THINKER: Quirks = {
  hasRefusals: true,
  efforts: ["none", "minimal", "low", "medium", "high", "xhigh", "max"],
  without: UNKNOWN,
  drawsAlone: true,
};

function quirksOf(name: string): Quirks {
  return THINKING.test(name) && !CHATTING.test(name) ? THINKER : NOT_CHATTING;
}

function serves(name: string, surface: Surface): boolean {
  if (surface === "chat/completions") return !RESPONSES_ONLY.test(name) && !COMPLETING.test(name);
  if (surface === "completions") return COMPLETING.test(name);
  return surface !== "responses" || !COMPLETING.test(name);
}
