export { countRequest, type RequestCount } from "./count-request.ts";
export { countAllTokens, countTokens, estimateTokens, loadTokenizer, type TokenCount } from "./count-tokens.ts";
