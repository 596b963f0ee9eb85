import type { ContentPart, Message, ModelRequest } from "@tutti/core/model";
import { countText, type TokenCount } from "./count-tokens.ts";
import { familyOf, type Family } from "./families.ts";
import { countMedia } from "./media-tokens.ts";
import { countTools } from "./tool-tokens.ts";

/** A request's tokens, how far off they may be (0.05 is ±5 %), and which family's rules say so. */
export interface RequestCount extends TokenCount {
  readonly family: string;
}

/** What a provider puts around a tool call. */
const PER_CALL = 3;
const CALL_BOUND = 0.3;
/** What is around the messages differs a little from model to model. */
const FRAME_BOUND = 0.02;

/** The prompt tokens of a request: its turns, tools, schema and media. Synchronous; exact counts want `loadTokenizer` first. */
export function countRequest(model: string, request: ModelRequest): RequestCount {
  const family = familyOf(model);
  const tally = new Tally();
  for (const message of request.messages) tally.add(countMessage(family, message));
  tally.add(countTools(family, request.tools ?? []));
  if (request.format?.type === "schema") tally.add(countText(family, JSON.stringify(request.format.schema)));
  tally.add({ tokens: family.perRequest, errorBound: 0 });
  return { ...tally.sum(), family: family.name };
}

function countMessage(family: Family, message: Message): TokenCount {
  const tally = new Tally();
  // The role itself is a token everywhere.
  tally.add({ tokens: family.perMessage + 1, errorBound: FRAME_BOUND });
  if (message.parts === undefined) tally.add(countText(family, message.content));
  else for (const part of message.parts) tally.add(countPart(family, part));
  for (const call of message.calls ?? []) {
    tally.add(countText(family, call.name));
    tally.add(countText(family, typeof call.input === "string" ? call.input : JSON.stringify(call.input)));
    tally.add({ tokens: PER_CALL, errorBound: CALL_BOUND });
  }
  return tally.sum();
}

function countPart(family: Family, part: ContentPart): TokenCount {
  switch (part.type) {
    case "text":
    case "refusal":
    case "reasoning":
      return countText(family, part.text);
    case "image":
    case "audio":
    case "file":
      return countMedia(family, part);
  }
}

/** Adds counts up; each one's bound weighs as much as its tokens. */
class Tally {
  #tokens = 0;
  #error = 0;

  add({ tokens, errorBound }: TokenCount): void {
    this.#tokens += tokens;
    this.#error += tokens * errorBound;
  }

  sum(): TokenCount {
    return { tokens: this.#tokens, errorBound: this.#tokens === 0 ? 0 : this.#error / this.#tokens };
  }
}
