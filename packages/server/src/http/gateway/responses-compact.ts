import { randomBytes } from "node:crypto";
import { AppError, type Json, type Principal } from "@tutti/core";
import { collect } from "@tutti/core/model";
import { responsesCodec, sealSummary } from "@tutti/core/wire";
import { requireModel } from "./require-model.ts";
import { modelOf } from "./chat-routes.ts";
import { itemsOf, resolve } from "./responses-context.ts";
import type { ResponseAsk, ResponsesDesk } from "./responses-desk.ts";
import type { JsonObject } from "./serving.ts";

/** How much of what the user said stays as it was said, from the end. */
const KEPT_CHARS_MAX = 20_000;
/** What a summary may be at most. */
const SUMMARY_TOKENS_MAX = 4_096;

const TASK =
  "Your task now is not to answer, but to compact this conversation so that it can be gone on with from your text alone. Write down, as briefly as you can without losing any of it: what the user wants and has said about how; what was decided and why; what was done and found, with names, paths, numbers and results of tools; what is open and comes next. Write only that.";
const HEADING = "What was said and done so far, in short:\n\n";

/** A conversation made shorter: what the user said last, and a summary of all of it that every model can go on from. */
export async function compact(desk: ResponsesDesk, ask: ResponseAsk): Promise<Json> {
  const { given, principal, headers } = ask;
  const model = modelOf(given);
  const { body } = await resolve(desk.log, given, { tenant: principal.tenant });
  const items = itemsOf(body.input);
  if (items.length === 0)
    throw new AppError("invalid_input", "input: wanted a conversation, got none; send input or previous_response_id", {
      cause: { param: "input" },
    });
  const { instructions } = given;
  const wishes = typeof instructions === "string" && instructions !== "" ? `\n\nThe user's instructions for this: ${instructions}` : "";
  const asked: JsonObject = {
    model,
    input: [...items, { type: "message", role: "user", content: TASK + wishes }],
    max_output_tokens: SUMMARY_TOKENS_MAX,
    store: false,
    stream: true,
    ...(typeof given.prompt_cache_key === "string" && { prompt_cache_key: given.prompt_cache_key }),
  };
  const call = { surface: "responses" as const, codec: responsesCodec, body: asked, model, stream: true, principal, headers };
  const reply = await collect(responsesCodec.decodeAnswer(desk.chunks(call)));
  if (reply.content.trim() === "") throw new AppError("upstream", "wanted a summary from the model, got no text; try again");
  const id = randomBytes(24).toString("hex");
  const { inputTokens, outputTokens, cacheReadTokens = 0, cacheWriteTokens = 0, reasoningTokens = 0 } = reply.usage;
  return {
    id: `resp_${id}`,
    object: "response.compaction",
    created_at: Math.floor(Date.now() / 1000),
    output: [
      ...lastWords(items).map((content, index) => ({
        id: `msg_${id}_${index}`,
        type: "message",
        status: "completed",
        role: "user",
        content,
      })),
      { id: `cmp_${id}`, type: "compaction", encrypted_content: sealSummary(HEADING + reply.content) },
    ],
    usage: {
      input_tokens: inputTokens,
      input_tokens_details: { cached_tokens: cacheReadTokens, cache_write_tokens: cacheWriteTokens },
      output_tokens: outputTokens,
      output_tokens_details: { reasoning_tokens: reasoningTokens },
      total_tokens: inputTokens + outputTokens,
    },
  };
}

/** The user's own texts, the newest that there is room for, in their order. */
function lastWords(items: readonly JsonObject[]): readonly Json[] {
  const kept: Json[] = [];
  let chars = 0;
  for (const { role, content } of items.toReversed()) {
    const text = role === "user" ? textOf(content) : "";
    chars += text.length;
    if (chars > KEPT_CHARS_MAX) break;
    if (text !== "") kept.unshift([{ type: "input_text", text }]);
  }
  return kept;
}

function textOf(content: Json | undefined): string {
  if (typeof content === "string") return content;
  if (!Array.isArray(content)) return "";
  const parts = content as readonly JsonObject[];
  return parts.map(({ text }) => (typeof text === "string" ? text : "")).join("\n");
}

/** How many tokens a request would have, by the model's own tokenizer. */
export async function countInput(desk: ResponsesDesk, given: JsonObject, principal: Principal): Promise<Json> {
  const model = typeof given.model === "string" && given.model !== "" ? given.model : desk.app.models.defaultModel;
  if (model === undefined)
    throw new AppError("invalid_input", "model: wanted the name of a model, got none, and none is configured as the default", {
      cause: { param: "model" },
    });
  requireModel(desk.app, principal, model);
  const { body } = await resolve(desk.log, given, { tenant: principal.tenant });
  const { request } = responsesCodec.decodeRequest({ ...body, model });
  const { tokens } = desk.app.models;
  await tokens.load(model);
  return { object: "response.input_tokens", input_tokens: tokens.count(model, request) };
}
