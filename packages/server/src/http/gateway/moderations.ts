import { AppError } from "@tutti/core";
import { replaceModel } from "../../models/index.ts";
import { jsonFields, type MediaSurface } from "./media.ts";

/** What OpenAI takes when the request names no model. */
const DEFAULT_MODEL = "omni-moderation-latest";

/** `POST /v1/moderations`: passes through to providers that have it, and to no others. */
export const moderationsSurface: MediaSurface = {
  surface: "moderations",
  isUpload: false,
  read({ bytes, depthMax }) {
    const { model = DEFAULT_MODEL, input } = jsonFields(bytes, depthMax);
    if (typeof model !== "string") throw new AppError("invalid_input", "model: wanted the name of a model, got something else");
    return {
      model,
      stream: false,
      needs: [],
      text: () => (typeof input === "string" ? input : JSON.stringify(input ?? "")),
      metered: {},
      named: (name) => replaceModel(bytes, name),
      translate: ({ name }) =>
        Promise.reject(new AppError("unsupported", `wanted a model whose provider moderates, got "${name}", whose provider does not`)),
    };
  },
};
