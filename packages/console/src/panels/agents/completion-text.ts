import type { Json } from "@tutti/core";
import { fieldsOf } from "../../parts/json-fields.ts";

/** What has come of an answer in OpenAI's chunks. */
export interface CompletionText {
  readonly text: string;
  readonly thoughts: string;
  readonly finishReason: string | undefined;
  readonly inputTokens: number | undefined;
  readonly outputTokens: number | undefined;
}

/** An answer of which nothing has come yet. */
export const EMPTY_ANSWER: CompletionText = {
  text: "",
  thoughts: "",
  finishReason: undefined,
  inputTokens: undefined,
  outputTokens: undefined,
};

/** The answer with one more chunk; what a chunk has of an odd kind is left out. Pure. */
export function withChunk(before: CompletionText, chunk: Json): CompletionText {
  const { choices, usage } = fieldsOf(chunk);
  const choice = fieldsOf(Array.isArray(choices) ? (choices as readonly Json[])[0] : undefined);
  const { content, reasoning_content: thought, refusal } = fieldsOf(choice["delta"]);
  const { prompt_tokens: input, completion_tokens: output } = fieldsOf(usage);
  return {
    text: before.text + textOf(content) + textOf(refusal),
    thoughts: before.thoughts + textOf(thought),
    finishReason: typeof choice["finish_reason"] === "string" ? choice["finish_reason"] : before.finishReason,
    inputTokens: typeof input === "number" ? input : before.inputTokens,
    outputTokens: typeof output === "number" ? output : before.outputTokens,
  };
}

function textOf(value: Json | undefined): string {
  return typeof value === "string" ? value : "";
}
