import { RESPONSE_ALREADY_SENT } from "@hono/node-server/utils/response";
import { Hono } from "hono";
import type { App } from "../../host/index.ts";
import { readBytes } from "../body.ts";
import type { HttpEnv } from "../env.ts";
import { operation } from "../openapi.ts";
import { speechSurface } from "./audio-speech.ts";
import { transcriptionsSurface, translationsSurface } from "./audio-transcripts.ts";
import { embeddingsSurface } from "./embeddings.ts";
import { imageEditsSurface, imagesSurface } from "./images.ts";
import { serveMedia } from "./media-serve.ts";
import type { MediaSurface } from "./media.ts";
import { moderationsSurface } from "./moderations.ts";
import { rerankSurface } from "./rerank.ts";

const DOORS: readonly (readonly [path: string, surface: MediaSurface, summary: string])[] = [
  ["/v1/embeddings", embeddingsSurface, "Texts as vectors; the request and response are OpenAI's"],
  ["/v1/rerank", rerankSurface, "Documents by what they have to do with a question; the shape that Cohere and Jina share"],
  ["/v2/rerank", rerankSurface, "The same, where Cohere's own clients look for it"],
  ["/v1/audio/speech", speechSurface, "Text as sound; the request and response are OpenAI's"],
  ["/v1/audio/transcriptions", transcriptionsSurface, "A recording as text; the form and the response are OpenAI's"],
  ["/v1/audio/translations", translationsSurface, "A recording as English text; the form and the response are OpenAI's"],
  ["/v1/images/generations", imagesSurface, "Pictures from words; the request and response are OpenAI's"],
  ["/v1/images/edits", imageEditsSurface, "Pictures from pictures, at providers that have it"],
  ["/v1/moderations", moderationsSurface, "Whether a text is harmful, at providers that have it"],
];

/** The doors to models that are no conversation. */
export function mediaRoutes(app: App): Hono<HttpEnv> {
  const routes = new Hono<HttpEnv>();
  for (const [path, surface, summary] of DOORS) {
    routes.post(path, operation({ tag: "Models", summary }), async (ctx) => {
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
