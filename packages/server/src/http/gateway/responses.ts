import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { RESPONSE_ALREADY_SENT } from "@hono/node-server/utils/response";
import { AppError } from "@tutti/core";
import { encodeSse } from "@tutti/core/wire";
import { Hono } from "hono";
import { readBytes } from "../body.ts";
import type { HttpContext, HttpEnv } from "../env.ts";
import { operation } from "../openapi.ts";
import { wholeNumber, yesOrNo } from "../routes/run-queries.ts";
import { sseTextResponse } from "../sse.ts";
import { answerAsAgent } from "./agents.ts";
import { readObject } from "./request-body.ts";
import { BackgroundResponses } from "./responses-background.ts";
import { compact, countInput } from "./responses-compact.ts";
import { PreviousResponseMissing } from "./responses-context.ts";
import { ResponsesDesk, type ResponseAsk } from "./responses-desk.ts";
import { listItems } from "./responses-items.ts";
import type { KeptResponse } from "./responses-log.ts";
import { ResponsesSocket } from "./responses-socket.ts";
import { serve } from "./serve.ts";
import type { JsonObject } from "./serving.ts";
import { CompactedResponse, DeletedObject, InputItems, InputTokens, ResponseShape, ResponsesRequest } from "../shapes/foreign.ts";

const tag = "Models";

/** OpenAI's Responses API: its routes, and what has to be ended with the server. */
export interface ResponsesDoor {
  readonly desk: ResponsesDesk;
  readonly routes: Hono<HttpEnv>;
  /** For the HTTP server's "upgrade" event. */
  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  /** Ends what runs in the background, and writes what was not written yet. */
  close(): Promise<void>;
}

/** Opens the door. */
export function openResponses(app: ResponsesDesk["app"]): ResponsesDoor {
  const desk = new ResponsesDesk(app);
  const background = new BackgroundResponses(desk);
  const socket = new ResponsesSocket(desk);
  const routes = new Hono<HttpEnv>();
  routes.post(
    "/v1/responses",
    operation({
      tag,
      summary: "Ask a model or an agent for a response, whole, streamed or in the background",
      response: ResponseShape,
      body: ResponsesRequest,
      isStreamed: true,
    }),
    (ctx) => saying(ctx, () => create(desk, background, ctx)),
  );
  routes.post(
    "/v1/responses/compact",
    operation({
      tag,
      summary: "Make a conversation shorter, to go on from what is left",
      response: CompactedResponse,
      body: ResponsesRequest,
    }),
    (ctx) => saying(ctx, async () => ctx.json(await compact(desk, await askOf(desk, ctx)))),
  );
  routes.post(
    "/v1/responses/input_tokens",
    operation({ tag, summary: "How many tokens a request has", response: InputTokens, body: ResponsesRequest }),
    (ctx) => saying(ctx, async () => ctx.json(await countInput(desk, (await readBody(desk, ctx)).given, ctx.get("principal")))),
  );
  addKept(routes, { desk, background });
  return {
    desk,
    routes,
    upgrade: (request, stream, head) => socket.upgrade(request, stream, head),
    async close() {
      socket.close();
      await background.close();
      await desk.log.flush();
    },
  };
}

/** Responses that were kept. */
function addKept(
  routes: Hono<HttpEnv>,
  { desk, background }: { readonly desk: ResponsesDesk; readonly background: BackgroundResponses },
): void {
  routes.get(
    "/v1/responses/:id",
    operation({
      tag,
      summary: "A response that was kept; one in the background may be streamed",
      response: ResponseShape,
      isStreamed: true,
      query: {
        stream: "true: its events, of one that was made in the background",
        starting_after: "only events after this sequence_number",
      },
    }),
    async (ctx) => {
      const kept = background.standing(await find(desk, ctx));
      return yesOrNo(ctx, "stream") ? streamKept(background, ctx, kept) : ctx.json(kept.response);
    },
  );
  routes.delete("/v1/responses/:id", operation({ tag, summary: "Forget a response", response: DeletedObject }), async (ctx) => {
    const kept = await find(desk, ctx);
    await background.cancel(kept);
    await desk.forget(kept);
    return ctx.json({ id: kept.id, object: "response", deleted: true });
  });
  routes.get("/v1/responses/:id/input_items", operation({ tag, summary: "What a response was made from", response: InputItems }), (ctx) =>
    saying(ctx, async () => ctx.json(await listItems(desk.log, await find(desk, ctx), ctx.req.query()))),
  );
  routes.post(
    "/v1/responses/:id/cancel",
    operation({ tag, summary: "Stop a response that is made in the background", response: ResponseShape }),
    async (ctx) => {
      const kept = await find(desk, ctx);
      if (kept.response.background !== true)
        throw new AppError(
          "invalid_input",
          `wanted a response in the background, got "${kept.id}", which is not; only those can be cancelled`,
        );
      return ctx.json((await background.cancel(kept)).response);
    },
  );
}

/** An error whose code only this API has is said here; the rest is everybody's. */
async function saying(ctx: HttpContext, work: () => Promise<Response>): Promise<Response> {
  try {
    return await work();
  } catch (thrown) {
    if (!(thrown instanceof PreviousResponseMissing)) throw thrown;
    const { code, message } = thrown.wire;
    return ctx.json({ error: { message, type: "invalid_request_error", param: "previous_response_id", code } }, 400);
  }
}

async function readBody({ app }: ResponsesDesk, ctx: HttpContext): Promise<{ readonly given: JsonObject; readonly bytes: Buffer }> {
  const bytes = await readBytes(ctx.env.incoming, app.config.requestBytesMax);
  return { given: readObject(bytes, app.config.requestDepthMax), bytes };
}

async function askOf(desk: ResponsesDesk, ctx: HttpContext): Promise<ResponseAsk> {
  const { given } = await readBody(desk, ctx);
  return { given, principal: ctx.get("principal"), headers: ctx.env.incoming.headers };
}

async function create(desk: ResponsesDesk, background: BackgroundResponses, ctx: HttpContext): Promise<Response> {
  const { app } = desk;
  const { given, bytes } = await readBody(desk, ctx);
  const ask: ResponseAsk = { given, principal: ctx.get("principal"), headers: ctx.env.incoming.headers };
  if (given.background === true) {
    const kept = await background.start(ask);
    return given.stream === true ? streamKept(background, ctx, kept) : ctx.json(kept.response);
  }
  const prepared = await desk.prepare(ask);
  if (desk.isAgent(prepared.model)) return answerAsAgent(app, ctx, { codec: desk.codecFor(prepared), body: prepared.resolved.body });
  await serve(app, { ...prepared.call, ...(!prepared.resolved.isChanged && { bytes }), response: ctx.env.outgoing });
  return RESPONSE_ALREADY_SENT;
}

async function find(desk: ResponsesDesk, ctx: HttpContext): Promise<KeptResponse> {
  const id = ctx.req.param("id") ?? "";
  const kept = await desk.log.findNewest(ctx.get("principal").tenant, id);
  if (kept !== undefined) return kept;
  throw new AppError(
    "not_found",
    `wanted a response that is kept, got "${id}", which is not: it was never made, not stored, deleted or is too old`,
  );
}

function streamKept(background: BackgroundResponses, ctx: HttpContext, kept: KeptResponse): Response {
  const isStreamed = kept.response.background === true && (kept.worker !== undefined || kept.events !== undefined);
  if (!isStreamed)
    throw new AppError(
      "invalid_input",
      "stream: wanted a response that was made in the background with stream: true, got another; fetch it whole",
      {
        cause: { param: "stream" },
      },
    );
  const after = wholeNumber(ctx, "starting_after", { min: 0, max: Number.MAX_SAFE_INTEGER, fallback: -1 });
  return sseTextResponse(ctx, (gone) => eventTexts(background.follow(kept, after, gone)));
}

async function* eventTexts(events: AsyncIterable<JsonObject>): AsyncGenerator<string> {
  for await (const event of events) {
    const data = JSON.stringify(event);
    yield encodeSse(typeof event.type === "string" ? { event: event.type, data } : { data });
  }
  yield encodeSse({ data: "[DONE]" });
}
