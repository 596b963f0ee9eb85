import { RESPONSE_ALREADY_SENT } from "@hono/node-server/utils/response";
import { Hono } from "hono";
import type { App } from "../../host/index.ts";
import { readBytes } from "../body.ts";
import type { HttpEnv } from "../env.ts";
import { operation, type Operation } from "../openapi.ts";
import {
  AudioForm,
  Embeddings,
  EmbeddingsRequest,
  ImageForm,
  Images,
  ImagesRequest,
  Moderations,
  ModerationsRequest,
  Ranking,
  RerankRequest,
  SpeechRequest,
  Transcript,
} from "../shapes/foreign.ts";
import { speechSurface } from "./audio-speech.ts";
import { transcriptionsSurface, translationsSurface } from "./audio-transcripts.ts";
import { embeddingsSurface } from "./embeddings.ts";
import { imageEditsSurface, imagesSurface } from "./images.ts";
import { serveMedia } from "./media-serve.ts";
import type { MediaSurface } from "./media.ts";
import { moderationsSurface } from "./moderations.ts";
import { rerankSurface } from "./rerank.ts";

type Door = readonly [path: string, surface: MediaSurface, described: Omit<Operation, "tag">];
const form = "multipart/form-data";

const DOORS: readonly Door[] = [
  [
    "/v1/embeddings",
    embeddingsSurface,
    { summary: "Texts as vectors; the request and response are OpenAI's", body: EmbeddingsRequest, response: Embeddings },
  ],
  [
    "/v1/rerank",
    rerankSurface,
    {
      summary: "Documents by what they have to do with a question; the shape that Cohere and Jina share",
      body: RerankRequest,
      response: Ranking,
    },
  ],
  ["/v2/rerank", rerankSurface, { summary: "The same, where Cohere's own clients look for it", body: RerankRequest, response: Ranking }],
  [
    "/v1/audio/speech",
    speechSurface,
    { summary: "Text as sound; the request and response are OpenAI's", body: SpeechRequest, mediaType: "audio/mpeg" },
  ],
  [
    "/v1/audio/transcriptions",
    transcriptionsSurface,
    {
      summary: "A recording as text; the form and the response are OpenAI's",
      body: AudioForm,
      bodyMediaType: form,
      response: Transcript,
      mediaType: "text/plain",
    },
  ],
  [
    "/v1/audio/translations",
    translationsSurface,
    {
      summary: "A recording as English text; the form and the response are OpenAI's",
      body: AudioForm,
      bodyMediaType: form,
      response: Transcript,
      mediaType: "text/plain",
    },
  ],
  [
    "/v1/images/generations",
    imagesSurface,
    { summary: "Pictures from words; the request and response are OpenAI's", body: ImagesRequest, response: Images, isStreamed: true },
  ],
  [
    "/v1/images/edits",
    imageEditsSurface,
    {
      summary: "Pictures from pictures, at providers that have it",
      body: ImageForm,
      bodyMediaType: form,
      response: Images,
      isStreamed: true,
    },
  ],
  [
    "/v1/moderations",
    moderationsSurface,
    { summary: "Whether a text is harmful, at providers that have it", body: ModerationsRequest, response: Moderations },
  ],
];

/** The doors to models that are no conversation. */
export function mediaRoutes(app: App): Hono<HttpEnv> {
  const routes = new Hono<HttpEnv>();
  for (const [path, surface, described] of DOORS) {
    routes.post(path, operation({ tag: "Models", ...described }), async (ctx) => {
      const { incoming, outgoing } = ctx.env;
      const { requestBytesMax, uploadBytesMax } = app.config;
      await serveMedia(app, {
        surface,
        bytes: await readBytes(incoming, surface.isUpload ? uploadBytesMax : requestBytesMax),
        contentType: incoming.headers["content-type"],
        principal: ctx.get("principal"),
        headers: incoming.headers,
        response: outgoing,
      });
      return RESPONSE_ALREADY_SENT;
    });
  }
  return routes;
}
