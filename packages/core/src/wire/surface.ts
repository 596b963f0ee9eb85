/** The doors to models, by their paths after `/v1/`: OpenAI's, Anthropic's `messages`, and `rerank` as Cohere and Jina have it. */
export const SURFACES = [
  "chat/completions",
  "responses",
  "messages",
  "messages/count_tokens",
  "completions",
  "embeddings",
  "rerank",
  "audio/transcriptions",
  "audio/translations",
  "audio/speech",
  "images/generations",
  "images/edits",
  "moderations",
] as const;

/** One of them. */
export type Surface = (typeof SURFACES)[number];
