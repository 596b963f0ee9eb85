import type { ModelRequest } from "@tutti/core/model";
import { countRequest } from "./count-request.ts";
import { countAllTokens, countTokens, estimateTokens, loadTokenizer } from "./count-tokens.ts";

export { countAllTokens, countRequest, countTokens, estimateTokens, loadTokenizer };

/** Counting as one value, for those who are handed it. Counts are estimates from bytes until `load` is done. */
export interface Tokens {
  /** About how many tokens so many bytes of text are. */
  estimate(bytes: number): number;
  load(model: string): Promise<void>;
  count(model: string, request: ModelRequest): number;
  countText(model: string, text: string): number;
}

/** Counting by model families: docs/tokens.md. */
export const tokens: Tokens = {
  estimate: estimateTokens,
  load: loadTokenizer,
  count: (model, request) => countRequest(model, request).tokens,
  countText: countTokens,
};
