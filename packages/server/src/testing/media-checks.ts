import { z } from "zod";

/** What OpenAI's (and, for rankings, Cohere's) API takes; unknown fields are refused, as the real ones refuse them. */
export const EMBEDDINGS = z.strictObject({
  model: z.string().min(1),
  input: z.union([
    z.string().min(1),
    z.array(z.string().min(1)).min(1).max(2_048),
    z.array(z.int()).min(1).max(2_048),
    z.array(z.array(z.int()).min(1)).min(1).max(2_048),
  ]),
  encoding_format: z.enum(["float", "base64"]).optional(),
  dimensions: z.int().min(1).max(3_072).optional(),
  user: z.string().optional(),
});

/** A ranking in Cohere's and Jina's shape. */
export const RERANK = z.strictObject({
  model: z.string().min(1),
  query: z.string().min(1),
  documents: z
    .array(z.union([z.string(), z.looseObject({ text: z.string() })]))
    .min(1)
    .max(1_000),
  top_n: z.int().min(1).optional(),
  return_documents: z.boolean().optional(),
  max_tokens_per_doc: z.int().optional(),
});

/** A request for speech. */
export const SPEECH = z.strictObject({
  model: z.string().min(1),
  input: z.string().min(1).max(4_096),
  voice: z.union([z.string().min(1), z.strictObject({ id: z.string() })]),
  instructions: z.string().optional(),
  response_format: z.enum(["mp3", "opus", "aac", "flac", "wav", "pcm"]).optional(),
  speed: z.number().min(0.25).max(4).optional(),
  stream_format: z.enum(["sse", "audio"]).optional(),
});

/** The fields of a form for a transcript. */
export const TRANSCRIPT = z.strictObject({
  model: z.string().min(1),
  language: z.string().optional(),
  prompt: z.string().optional(),
  response_format: z.enum(["json", "text", "srt", "verbose_json", "vtt"]).optional(),
  stream: z.enum(["true", "false"]).optional(),
  temperature: z.string().optional(),
  "include[]": z.string().optional(),
  "timestamp_granularities[]": z.string().optional(),
});

/** A request for pictures. */
export const IMAGES = z.strictObject({
  model: z.string().optional(),
  prompt: z.string().min(1).max(32_000),
  n: z.int().min(1).max(10).nullish(),
  size: z
    .string()
    .regex(/^(auto|\d+x\d+)$/)
    .nullish(),
  quality: z.string().nullish(),
  background: z.enum(["transparent", "opaque", "auto"]).nullish(),
  output_format: z.enum(["png", "jpeg", "webp"]).nullish(),
  response_format: z.enum(["url", "b64_json"]).nullish(),
  stream: z.boolean().nullish(),
  partial_images: z.int().min(0).max(3).nullish(),
  user: z.string().optional(),
});

/** The fields of a form for a changed picture. */
export const EDIT = z.strictObject({
  model: z.string().min(1),
  prompt: z.string().min(1),
  n: z.string().optional(),
  stream: z.string().optional(),
});

/** A text to be judged. */
export const MODERATION = z.strictObject({ model: z.string().optional(), input: z.union([z.string(), z.array(z.string()).min(1)]) });
