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

/** What a model can do, as routes, lists and questions about routes name it. */
export const ABILITIES = [
  "chat",
  "tools",
  "vision",
  "audio-in",
  "audio-out",
  "json",
  "reasoning",
  "embeddings",
  "rerank",
  "speech",
  "transcription",
  "images",
] as const;

/** One of them. */
export type Ability = (typeof ABILITIES)[number];
