import { countWhole, countWith, loadEncoding } from "./encodings.ts";
import { blend, BY_BYTES, familyOf, type Family } from "./families.ts";
import { scriptsOf } from "./script.ts";

/** UTF-8 bytes to a token, where not even the text is known: between JSON (3.1) and English prose (5.3). */
const BYTES_PER_TOKEN = 4;
/** How far off a long text may be that was counted in samples, beyond its family's bound. */
const SAMPLED_BOUND = 0.05;

/** Tokens, and how far off they may be: 0.05 is ±5 %. */
export interface TokenCount {
  readonly tokens: number;
  readonly errorBound: number;
}

/** Loads what counting for a model needs; without it, counts are estimates from bytes. */
export async function loadTokenizer(model: string): Promise<void> {
  const { encoding } = familyOf(model);
  if (encoding !== undefined) await loadEncoding(encoding);
}

/** The tokens of a text, in a bounded time. Synchronous once `loadTokenizer(model)` is done; an estimate from bytes before. */
export function countTokens(model: string, text: string): number {
  return countText(familyOf(model), text).tokens;
}

/** The tokens of a text of any length, all of it counted. The process goes on with other work in between. */
export async function countAllTokens(model: string, text: string, signal: AbortSignal): Promise<number> {
  const family = familyOf(model);
  if (family.encoding === undefined) return countBytes(text).tokens;
  return scaled(family, text, await countWhole(family.encoding, text, signal)).tokens;
}

/** About how many tokens so many bytes of text are. Costs nothing and needs nothing loaded. */
export function estimateTokens(bytes: number): number {
  return Math.ceil(bytes / BYTES_PER_TOKEN);
}

/** The tokens of a text for a family. */
export function countText(family: Family, text: string): TokenCount {
  if (text === "") return { tokens: 0, errorBound: 0 };
  const counted = family.encoding === undefined ? undefined : countWith(family.encoding, text);
  if (counted === undefined) return countBytes(text);
  const { tokens, errorBound } = scaled(family, text, counted.tokens);
  return { tokens, errorBound: errorBound + (counted.isExact ? 0 : SAMPLED_BOUND) };
}

/** Tokens by a text's bytes and scripts. */
function countBytes(text: string): TokenCount {
  const shares = scriptsOf(text);
  const bytesPerToken = blend(BY_BYTES.factors, shares);
  return { tokens: Math.ceil(Buffer.byteLength(text) / bytesPerToken), errorBound: blend(BY_BYTES.bounds, shares) };
}

function scaled({ scale }: Family, text: string, tokens: number): TokenCount {
  if (scale === undefined) return { tokens, errorBound: 0 };
  const shares = scriptsOf(text);
  return { tokens: Math.ceil(tokens * blend(scale.factors, shares)), errorBound: blend(scale.bounds, shares) };
}
