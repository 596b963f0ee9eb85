import { AppError } from "@tutti/core";
import { replaceModel } from "../../models/index.ts";
import { jsonFields, type MediaSurface } from "./media.ts";

/** What OpenAI takes when the request names no model. */
const DEFAULT_MODEL = "omni-moderation-latest";

/** `POST /v1/moderations`: passes through to providers that have it, and to no others. */
export const moderationsSurface: MediaSurface = {
  surface: "moderations",
  isUpload: false,
  read(given) {
    const { bytes } = given;
    const body = jsonFields(bytes, given.depthMax);
    const { model = DEFAULT_MODEL, input } = body;
    if (typeof model !== "string") throw new AppError("invalid_input", "model: wanted the name of a model, got something else");
    return {
      model,
      stream: false,
      needs: [],
      bytes,
      body,
      texts: textsOf(input),
      withTexts: (texts) => moderationsSurface.read({ ...given, bytes: Buffer.from(JSON.stringify({ ...body, input: texts })) }),
      metered: {},
      named: (name) => replaceModel(bytes, name),
      translate: ({ name }) =>
        Promise.reject(new AppError("unsupported", `wanted a model whose provider moderates, got "${name}", whose provider does not`)),
    };
  },
};

/** Pictures among the inputs are none of ours to read. */
function textsOf(input: unknown): readonly string[] {
  if (typeof input === "string") return [input];
  return Array.isArray(input) && input.every((item) => typeof item === "string") ? (input as readonly string[]) : [];
}
