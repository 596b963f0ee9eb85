/** What holders of keys may ask. Everything else is the owner's. The routes themselves decide about the model. */
const ROUTES: readonly RegExp[] = [
  /^POST \/v1\/(chat\/completions|completions|embeddings|rerank|moderations)$/,
  /^POST \/v1\/messages(\/count_tokens)?$/,
  /^POST \/v1\/responses(\/compact|\/input_tokens)?$/,
  /^(GET|POST|DELETE) \/v1\/responses\/[^/]+(\/cancel|\/input_items)?$/,
  /^(GET|POST|DELETE) \/v1\/conversations(\/.+)?$/,
  /^POST \/v1\/audio\/(speech|transcriptions|translations)$/,
  /^POST \/v1\/images\/(generations|edits|variations)$/,
  /^(GET|POST|DELETE) \/v1\/(batches|files)(\/.+)?$/,
  /^GET \/v1\/responses$/,
  /^GET \/v1\/models(\/.+)?$/,
  /^GET \/v1\/keys\/current$/,
  /^POST \/api\/(chat|generate|embed|show)$/,
  /^GET \/api\/(tags|version)$/,
];

/** What a URL parser would make another path of: "." and ".." as segments, encoded or not, and backslashes. */
const IS_RESOLVED = /\\|\/(?:\.|%2e)/i;

/** Whether a holder of a key may ask this at all. `path` is the raw one, without the query. */
export function isGatewayRoute(method: string, path: string): boolean {
  if (IS_RESOLVED.test(path)) return false;
  const asked = `${method} ${path}`;
  return ROUTES.some((route) => route.test(asked));
}
