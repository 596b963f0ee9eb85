import type { EncodingName } from "./encodings.ts";
import type { Script, ScriptShares } from "./script.ts";

/** How images count: by OpenAI's tiles or patches, by Anthropic's and Gemini's areas. */
export type ImageRule =
  | { readonly by: "tiles"; readonly base: number; readonly perTile: number }
  | { readonly by: "patches"; readonly perPatch: number }
  | { readonly by: "area"; readonly pixelsPerToken: number; readonly sideMax: number; readonly tokensMax: number }
  | { readonly by: "crops"; readonly perCrop: number; readonly sizeMax: number };

/** A figure for each script. */
type ByScript = Readonly<Record<Script, number>>;

/** By what a count with another family's vocabulary is multiplied, and how far off the product may be: 0.05 is ±5 %. */
export interface Scale {
  readonly factors: ByScript;
  readonly bounds: ByScript;
}

/** Models whose tokens are counted alike. */
export interface Family {
  readonly name: string;
  /** Whose vocabulary is counted with; `undefined`: the text's bytes are. */
  readonly encoding: EncodingName | undefined;
  /** What that count is corrected by; `undefined` where the vocabulary is the family's own. */
  readonly scale: Scale | undefined;
  readonly perRequest: number;
  readonly perMessage: number;
  /** Sent along by the provider as soon as there is a tool. */
  readonly toolsBase: number;
  readonly images: ImageRule;
  readonly audioTokensPerSecond: number;
}

/** OpenAI's chat format: three tokens around each message and three before the answer (OpenAI cookbook, "How to count tokens"). */
const CHAT = { perRequest: 3, perMessage: 3, toolsBase: 0, audioTokensPerSecond: 10 };

const TILES_4O: ImageRule = { by: "tiles", base: 85, perTile: 170 };

const o200k: Family = {
  name: "openai-o200k",
  encoding: "o200k_base",
  scale: undefined,
  ...CHAT,
  images: TILES_4O,
};
const cl100k: Family = { ...o200k, name: "openai-cl100k", encoding: "cl100k_base" };

/** Measured by bench/tokens: `factors` beside o200k_base, `bounds` the widest error on any text there, rounded up. */
const MEASURED = { encoding: "o200k_base", ...CHAT, toolsBase: 60, images: TILES_4O } as const;

const claude: Family = {
  ...MEASURED,
  name: "claude",
  scale: {
    factors: { ascii: 1.18, latin: 1.55, cyrillic: 2.14, greek: 3.5, cjk: 1.68, arabic: 3, other: 5.2 },
    bounds: { ascii: 0.2, latin: 0.55, cyrillic: 0.4, greek: 0.5, cjk: 0.45, arabic: 0.5, other: 0.6 },
  },
  toolsBase: 346,
  images: { by: "area", pixelsPerToken: 750, sideMax: 1568, tokensMax: 1600 },
};
const gemini: Family = {
  ...MEASURED,
  name: "gemini",
  scale: {
    factors: { ascii: 1.12, latin: 1, cyrillic: 0.99, greek: 1.03, cjk: 0.8, arabic: 1.07, other: 1.02 },
    bounds: { ascii: 0.15, latin: 0.15, cyrillic: 0.1, greek: 0.1, cjk: 0.25, arabic: 0.2, other: 0.6 },
  },
  perRequest: 0,
  perMessage: 1,
  toolsBase: 0,
  images: { by: "crops", perCrop: 258, sizeMax: 384 },
  audioTokensPerSecond: 32,
};
const llama: Family = {
  ...MEASURED,
  name: "llama",
  scale: {
    factors: { ascii: 1, latin: 1.1, cyrillic: 1.06, greek: 1.05, cjk: 0.93, arabic: 1.45, other: 1.83 },
    bounds: { ascii: 0.05, latin: 0.25, cyrillic: 0.25, greek: 0.1, cjk: 0.15, arabic: 0.6, other: 0.9 },
  },
  perMessage: 5,
};
const qwen: Family = {
  ...MEASURED,
  name: "qwen",
  scale: {
    factors: { ascii: 1.04, latin: 1.14, cyrillic: 1.34, greek: 2.4, cjk: 0.89, arabic: 1.32, other: 1.91 },
    bounds: { ascii: 0.1, latin: 0.25, cyrillic: 0.15, greek: 0.1, cjk: 0.25, arabic: 0.5, other: 0.65 },
  },
  perMessage: 5,
};
const mistral: Family = {
  ...MEASURED,
  name: "mistral",
  scale: {
    factors: { ascii: 1.06, latin: 1.035, cyrillic: 1.02, greek: 1.07, cjk: 1, arabic: 1.02, other: 1.33 },
    bounds: { ascii: 0.1, latin: 0.12, cyrillic: 0.15, greek: 0.1, cjk: 0.2, arabic: 0.15, other: 0.3 },
  },
};
const deepseek: Family = {
  ...MEASURED,
  name: "deepseek",
  scale: {
    factors: { ascii: 1.04, latin: 1.22, cyrillic: 1.15, greek: 1.27, cjk: 0.86, arabic: 1.27, other: 1.27 },
    bounds: { ascii: 0.08, latin: 0.3, cyrillic: 0.15, greek: 0.1, cjk: 0.3, arabic: 0.2, other: 0.7 },
  },
};

/** UTF-8 bytes to a token of o200k_base (bench/tokens), and how far off other vocabularies are from that. */
export const BY_BYTES: Scale = {
  factors: { ascii: 3.9, latin: 4.2, cyrillic: 6.4, greek: 5.2, cjk: 3.8, arabic: 5.2, other: 7.8 },
  bounds: { ascii: 0.55, latin: 0.5, cyrillic: 0.6, greek: 0.6, cjk: 0.5, arabic: 0.6, other: 0.8 },
};

/** Nothing is known of the model, so its text's bytes are counted. */
const unknown: Family = {
  ...MEASURED,
  name: "unknown",
  encoding: undefined,
  scale: undefined,
};

const OWN_IMAGES: readonly (readonly [RegExp, ImageRule])[] = [
  [/^gpt-4o-mini/, { by: "tiles", base: 2833, perTile: 5667 }],
  [/^(gpt-4\.1|gpt-5)-mini/, { by: "patches", perPatch: 1.62 }],
  [/^(gpt-4\.1|gpt-5)-nano/, { by: "patches", perPatch: 2.46 }],
  [/^o4-mini/, { by: "patches", perPatch: 1.72 }],
  [/^gpt-5/, { by: "tiles", base: 70, perTile: 140 }],
  [/^o[13]/, { by: "tiles", base: 75, perTile: 150 }],
];

/** Which names belong to which family. The first that matches counts; names come without their provider and in lower case. */
const FAMILIES: readonly (readonly [RegExp, Family])[] = [
  [/^(gpt-4o|gpt-4\.[1-9]|gpt-[5-9]|gpt-oss|chatgpt-|o[1-9](-|$)|codex-)/, o200k],
  [/^(gpt-4|gpt-3\.5|gpt-35|text-embedding-|davinci-002|babbage-002)/, cl100k],
  [/claude/, claude],
  [/gemini|gemma/, gemini],
  // Before DeepSeek: the small R1 models are Llama and Qwen, taught by DeepSeek.
  [/llama-?[34]|distill-llama/, llama],
  [/qwen|qwq|qvq/, qwen],
  [/mistral|mixtral|ministral|codestral|devstral|magistral|pixtral|voxtral/, mistral],
  [/deepseek/, deepseek],
];

const FOUND_MAX = 1000;
const found = new Map<string, Family>();

/** The family of a model, by its name: "gpt-4o", "ollama/qwen2.5:7b", "openrouter/anthropic/claude-sonnet-4". */
export function familyOf(model: string): Family {
  const known = found.get(model);
  if (known !== undefined) return known;
  const name = model.slice(model.lastIndexOf("/") + 1).toLowerCase();
  const family = FAMILIES.find(([pattern]) => pattern.test(name))?.[1] ?? unknown;
  const images = OWN_IMAGES.find(([pattern]) => pattern.test(name))?.[1];
  const own = images === undefined ? family : { ...family, images };
  if (found.size < FOUND_MAX) found.set(model, own);
  return own;
}

/** A factor or a bound for a text of several scripts. */
export function blend(values: ByScript, shares: ScriptShares): number {
  return (
    values.ascii * shares.ascii +
    values.latin * shares.latin +
    values.cyrillic * shares.cyrillic +
    values.greek * shares.greek +
    values.cjk * shares.cjk +
    values.arabic * shares.arabic +
    values.other * shares.other
  );
}
