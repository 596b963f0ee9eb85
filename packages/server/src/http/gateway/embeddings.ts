import { decodeEmbeddingsRequest, encodeEmbeddings, type EmbeddingsCall } from "@tutti/core/wire";
import { AppError } from "@tutti/core";
import { embedShortened, replaceModel, type EmbeddingsRequest } from "../../models/index.ts";
import { jsonFields, wholeAnswer, type MediaAnswer, type MediaPlace, type MediaSurface } from "./media.ts";

/** OpenAI's own bound; what is larger is cut into calls that the provider takes. */
const PASSED_INPUTS_MAX = 2_048;

/** `POST /v1/embeddings`. */
export const embeddingsSurface: MediaSurface = {
  surface: "embeddings",
  isUpload: false,
  read(given) {
    const { bytes } = given;
    const body = jsonFields(bytes, given.depthMax);
    const call = decodeEmbeddingsRequest(body);
    const { input } = call;
    return {
      model: call.model,
      stream: false,
      needs: ["embeddings"],
      bytes,
      body,
      texts: input.type === "texts" ? input.texts : [],
      withTexts: (texts) => embeddingsSurface.read({ ...given, bytes: Buffer.from(JSON.stringify({ ...body, input: texts })) }),
      metered: {},
      named: (name) => replaceModel(bytes, name),
      isTooLargeFor: (open) => open.embed !== undefined && input.type === "texts" && input.texts.length > PASSED_INPUTS_MAX,
      translate: (place, signal) => translate(call, place, signal),
    };
  },
};

async function translate(call: EmbeddingsCall, { open, name }: MediaPlace, signal: AbortSignal): Promise<MediaAnswer> {
  const { input, dimensions, purpose, model, encoding } = call;
  const embed = open.embed?.bind(open);
  if (embed === undefined) throw new AppError("unsupported", `wanted a model that embeds, got "${name}", which cannot`);
  if (input.type === "tokens")
    throw new AppError("unsupported", `input: wanted texts for the model "${name}", got tokens, which only OpenAI's own models read`, {
      cause: { param: "input" },
    });
  const request: EmbeddingsRequest = {
    inputs: input.texts,
    ...(dimensions !== undefined && { dimensions }),
    ...(purpose !== undefined && { purpose }),
  };
  const answer = await embedShortened(name, request, (asked) => embed(name, asked, signal));
  return wholeAnswer("application/json", JSON.stringify(encodeEmbeddings(answer, { model, encoding })), answer.usage);
}
