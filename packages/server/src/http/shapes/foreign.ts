import { z } from "zod";
import { anyObject, count, json } from "./values.ts";

// Requests and answers whose format belongs to others: OpenAI, Anthropic, Cohere, Ollama. What Tutti itself looks at is named; whatever
// else a client sends is passed on, and whatever else a model answers comes back, so the shapes are open.

const text = z.string();
const usage = anyObject.exactOptional();
const stream = z.boolean().exactOptional().describe("true: server-sent events instead of one answer.");
const ask = { model: text.min(1).describe("A model, a named model or an agent; `GET /v1/models` lists them."), stream };
const messages = z.array(z.looseObject({ role: text })).min(1);
const list = <T extends z.ZodType>(item: T) =>
  z.looseObject({ object: z.literal("list"), data: z.array(item), has_more: z.boolean().exactOptional() });

/** `POST /v1/chat/completions`. */
export const ChatRequest = z.looseObject({ ...ask, messages });
/** Its answer. */
export const ChatCompletion = z.looseObject({
  id: text,
  object: text,
  created: z.number(),
  model: text,
  choices: z.array(z.looseObject({ index: count, message: z.looseObject({ role: text }), finish_reason: text.nullable() })),
  usage,
});

/** `POST /v1/completions`. */
export const CompletionsRequest = z.looseObject({ ...ask, prompt: json });
/** Its answer. */
export const Completion = z.looseObject({
  id: text,
  object: text,
  created: z.number(),
  model: text,
  choices: z.array(z.looseObject({ index: count, text, finish_reason: text.nullable() })),
  usage,
});

/** `POST /v1/messages`. */
export const MessagesRequest = z.looseObject({ ...ask, messages, max_tokens: z.int().min(1) });
/** Its answer. */
export const MessagesAnswer = z.looseObject({
  id: text,
  type: z.literal("message"),
  role: z.literal("assistant"),
  model: text,
  content: z.array(z.looseObject({ type: text })),
  stop_reason: text.nullable(),
  usage: anyObject,
});
/** `POST /v1/messages/count_tokens`. */
export const CountRequest = z.looseObject({ model: ask.model, messages });
/** How many tokens a request has. */
export const TokenCount = z.looseObject({ input_tokens: count });
/** A batch of messages requests. */
export const MessageBatch = z.looseObject({
  id: text,
  type: z.literal("message_batch"),
  processing_status: text,
  request_counts: anyObject,
  created_at: text,
});
/** All of them. */
export const MessageBatchList = z.looseObject({ data: z.array(MessageBatch), has_more: z.boolean() });

/** `POST /v1/responses`. */
export const ResponsesRequest = z.looseObject({ ...ask, input: json.exactOptional(), background: z.boolean().nullish() });
/** Its answer. */
export const ResponseShape = z.looseObject({ id: text, object: z.literal("response"), status: text, model: text, output: z.array(json) });
/** A conversation made shorter. */
export const CompactedResponse = z.looseObject({ id: text, object: text, output: z.array(json) });
/** How many tokens a request has, as OpenAI says it. */
export const InputTokens = z.looseObject({ object: text, input_tokens: count });
/** What a response was made from. */
export const InputItems = list(json);
/** What is no more. */
export const DeletedObject = z.object({ id: text, object: text, deleted: z.literal(true) });

/** A model or agent in the list of models, in OpenAI's form or Anthropic's. */
export const ModelListed = z.union([
  z.looseObject({ id: text, object: z.literal("model"), created: z.number(), owned_by: text }),
  z.looseObject({ id: text, type: z.literal("model"), display_name: text, created_at: text }),
]);
/** All of them. */
export const ModelList = z.looseObject({ data: z.array(ModelListed) });

/** `POST /v1/embeddings`. */
export const EmbeddingsRequest = z.looseObject({ model: ask.model, input: json });
/** Its answer. */
export const Embeddings = list(z.looseObject({ object: text, index: count, embedding: json }));
/** `POST /v1/rerank`. */
export const RerankRequest = z.looseObject({ model: ask.model, query: text, documents: z.array(json) });
/** Its answer. */
export const Ranking = z.looseObject({ results: z.array(z.looseObject({ index: count, relevance_score: z.number() })) });
/** `POST /v1/audio/speech`. */
export const SpeechRequest = z.looseObject({ model: ask.model, input: text, voice: json.exactOptional() });
/** A form with a recording. */
export const AudioForm = z.looseObject({ model: text, file: z.string().meta({ format: "binary" }) });
/** What was said, unless another format was asked for. */
export const Transcript = z.looseObject({ text });
/** `POST /v1/images/generations`. */
export const ImagesRequest = z.looseObject({ model: ask.model, prompt: text });
/** A form with pictures, and what to make of them. */
export const ImageForm = z.looseObject({ model: text, prompt: text, image: z.string().meta({ format: "binary" }) });
/** Pictures. */
export const Images = z.looseObject({ created: z.number(), data: z.array(anyObject) });
/** `POST /v1/moderations`. */
export const ModerationsRequest = z.looseObject({ model: text.exactOptional(), input: json });
/** Its answer. */
export const Moderations = z.looseObject({ results: z.array(anyObject) });

/** A form with a file. */
export const FileForm = z.looseObject({ purpose: z.literal("batch"), file: z.string().meta({ format: "binary" }) });
/** A file of a batch. */
export const FileShape = z.looseObject({
  id: text,
  object: z.literal("file"),
  bytes: count,
  created_at: z.number(),
  filename: text,
  purpose: text,
});
/** Files. */
export const FileList = list(FileShape);
/** `POST /v1/batches`. */
export const BatchRequest = z.looseObject({ input_file_id: text, endpoint: text, completion_window: text });
/** A batch. */
export const BatchShape = z.looseObject({ id: text, object: z.literal("batch"), endpoint: text, status: text, input_file_id: text });
/** Batches. */
export const BatchList = list(BatchShape);

/** `POST /api/chat`. Streamed unless `stream` is false. */
export const OllamaChat = z.looseObject({ ...ask, messages });
/** `POST /api/generate`. Streamed unless `stream` is false. */
export const OllamaPrompt = z.looseObject({ ...ask, prompt: text.exactOptional() });
/** The answer of both. */
export const OllamaAnswer = z.looseObject({ model: text, created_at: text, done: z.boolean() });
/** `POST /api/embed`. */
export const OllamaEmbed = z.looseObject({ model: ask.model, input: json });
/** Its answer. */
export const OllamaVectors = z.looseObject({ model: text, embeddings: z.array(z.array(z.number())) });
/** `POST /api/show`: the model by either name. */
export const OllamaShow = z.looseObject({ model: text.exactOptional(), name: text.exactOptional() });
/** The models. */
export const OllamaTags = z.looseObject({ models: z.array(z.looseObject({ name: text })) });
/** The version of its API. */
export const OllamaVersion = z.object({ version: text });
