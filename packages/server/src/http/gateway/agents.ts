import { AppError, type Json } from "@tutti/core";
import type { Codec, StreamEncoder } from "@tutti/core/wire";
import type { App } from "../../host/index.ts";
import { converse, type Conversation } from "../conversation.ts";
import type { HttpContext } from "../env.ts";
import { wireError } from "../problem.ts";
import { sseTextResponse } from "../sse.ts";
import type { JsonObject } from "./serving.ts";

/** An agent answers as a model, in any chat format. */
export async function answerAsAgent(
  app: App,
  ctx: HttpContext,
  { codec, body }: { readonly codec: Codec; readonly body: JsonObject },
): Promise<Response> {
  const { model, stream, request } = codec.decodeRequest(body);
  if (request.tools !== undefined && request.tools.length > 0)
    throw new AppError("unsupported", `wanted no tools in a request to the agent "${model}", got some; agents bring their own`);
  if (request.format !== undefined)
    throw new AppError("unsupported", `wanted no response format in a request to the agent "${model}", got one; agents answer in text`);
  const conversation = await converse(app, model, { messages: request.messages as unknown as Json, principal: ctx.get("principal") });
  const head = { id: conversation.runId, createdAt: Math.floor(Date.now() / 1000), model, body };
  const headers = { "tutti-run-id": conversation.runId };
  if (stream) return sseTextResponse(ctx, (gone) => events(conversation, codec.streamEncoder(head), gone), headers);
  const { reply, usage } = await conversation.output;
  return ctx.json(codec.encodeAnswer({ ...reply, calls: [], finishReason: "stop", usage }, head), 200, headers);
}

async function* events(conversation: Conversation, encoder: StreamEncoder, gone: AbortSignal): AsyncGenerator<string> {
  try {
    for await (const text of conversation.text(gone)) yield encoder.push({ type: "text", text });
    const { usage } = await conversation.output;
    yield encoder.push({ type: "finish", reason: "stop", usage });
  } catch (thrown) {
    // The status is sent; clients read an error in the stream.
    yield encoder.fail(wireError(thrown));
  }
}
