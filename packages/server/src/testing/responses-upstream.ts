import { type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from "node:http";
import type { Refusal } from "./openai-checks.ts";
import { checkResponsesBody, type ResponsesBody } from "./responses-checks.ts";
import { startStandIn } from "./stand-in.ts";

/** What the stand-in answers, in order: each is an output item. */
type ScriptedItem =
  /** `pieces` come as one delta each when the answer is streamed. */
  | { readonly type: "text"; readonly pieces: readonly string[]; readonly url?: string }
  | { readonly type: "refusal"; readonly text: string }
  | { readonly type: "reasoning"; readonly summary: string }
  | { readonly type: "call"; readonly callId: string; readonly name: string; readonly arguments: string }
  | { readonly type: "custom"; readonly callId: string; readonly name: string; readonly input: string };

/** A whole answer, a refusal, or an answer that breaks off. */
export type ScriptedResponse =
  | { readonly items: readonly ScriptedItem[]; readonly incomplete?: "max_output_tokens" | "content_filter" }
  | { readonly error: { readonly status: number; readonly message: string; readonly code?: string } }
  /** After its items the stream says that the response failed. */
  | { readonly failure: string; readonly items: readonly ScriptedItem[] }
  /** After its items nothing more comes: the stream stays open. */
  | { readonly silence: true; readonly items: readonly ScriptedItem[] };

/** Says what to answer; `index` counts calls from 0. */
export type ResponsesScript = (body: ResponsesBody, index: number) => ScriptedResponse;

/** One call as the stand-in saw it. */
interface SeenResponsesCall {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: ResponsesBody | undefined;
  readonly text: string;
}

/** A running stand-in. */
export interface ResponsesUpstream extends AsyncDisposable {
  readonly baseUrl: string;
  readonly calls: readonly SeenResponsesCall[];
  /** The ids of the responses it keeps. */
  readonly kept: ReadonlySet<string>;
  /** Resolves when a call was broken off by its client. */
  readonly aborted: Promise<void>;
}

/** The default script: it says the last text back, word by word. */
const echoResponse: ResponsesScript = ({ input }) => {
  const last = typeof input === "string" ? input : input?.at(-1);
  return { items: [{ type: "text", pieces: `You said: ${saidIn(last)}`.split(/(?<= )/) }] };
};

function saidIn(item: unknown): string {
  if (typeof item === "string") return item;
  if (typeof item !== "object" || item === null) return "";
  if ("text" in item) return String(item.text);
  if ("output" in item) return saidIn(item.output);
  if (Array.isArray(item)) return item.map((part: unknown) => saidIn(part)).join("");
  return "content" in item ? saidIn(item.content) : "";
}

/**
 * A stand-in for OpenAI's hosted Responses API, on the loopback interface, for tests: it speaks the wire format of `/v1/responses`
 * strictly, refuses what the real one refuses, keeps what it is told to store, and says what its script tells it to. It is not a model.
 */
export async function startResponsesUpstream(
  script: ResponsesScript = echoResponse,
  options: { readonly apiKey?: string; readonly models?: readonly string[] } = {},
): Promise<ResponsesUpstream> {
  const { apiKey, models = ["test-model"] } = options;
  const calls: SeenResponsesCall[] = [];
  const kept = new Set<string>();
  const aborted = Promise.withResolvers<void>();
  const isStranger = (authorization = ""): boolean => apiKey !== undefined && authorization !== `Bearer ${apiKey}`;
  const answer = (request: IncomingMessage, response: ServerResponse, bytes: Buffer): void => {
    const { method = "", url = "", headers } = request;
    const checked = method === "POST" ? checkResponsesBody(bytes) : undefined;
    const index = calls.push({ method, path: url, headers, body: bodyIn(checked), text: bytes.toString("utf8") }) - 1;
    const path = url.replace(/^\/v1/, "");
    response.on("close", () => {
      if (!response.writableFinished) aborted.resolve();
    });
    if (isStranger(headers.authorization))
      return refuse(response, 401, { message: "Incorrect API key provided.", code: "invalid_api_key", param: null });
    if (method === "POST" && path === "/responses" && checked !== undefined)
      return "refusal" in checked ? refuse(response, 400, checked.refusal) : respond(response, checked.body, index);
    if (method === "GET" && path === "/models")
      return send(response, 200, { object: "list", data: models.map((id) => ({ id, object: "model", created: 1, owned_by: "stand-in" })) });
    if (method === "DELETE" && kept.delete(path.replace("/responses/", "")))
      return send(response, 200, { object: "response", deleted: true });
    return refuse(response, 404, { message: `Invalid URL (${method} ${url})`, code: null, param: null });
  };
  const respond = (response: ServerResponse, body: ResponsesBody, index: number): void => {
    const previous = body.previous_response_id;
    if (typeof previous === "string" && !kept.has(previous)) {
      const message = `Previous response with id '${previous}' not found.`;
      return refuse(response, 400, { message, code: "previous_response_not_found", param: "previous_response_id" });
    }
    const scripted = script(body, index);
    if ("error" in scripted) {
      const { status, message, code = null } = scripted.error;
      return refuse(response, status, { message, code, param: null });
    }
    const answered = new Answer(body, index);
    if (body.store !== false) kept.add(answered.id);
    return answered.play(scripted, response);
  };
  const standIn = await startStandIn(answer);
  return {
    baseUrl: `${standIn.origin}/v1`,
    calls,
    kept,
    aborted: aborted.promise,
    [Symbol.asyncDispose]: () => standIn[Symbol.asyncDispose](),
  };
}

function bodyIn(checked: ReturnType<typeof checkResponsesBody> | undefined): ResponsesBody | undefined {
  return checked !== undefined && "body" in checked ? checked.body : undefined;
}

function send(response: ServerResponse, status: number, value: unknown): void {
  response.writeHead(status, { "content-type": "application/json", "x-request-id": "req_stand_in" });
  response.end(JSON.stringify(value));
}

function refuse(response: ServerResponse, status: number, error: Refusal): void {
  const type = status >= 500 ? "server_error" : status === 429 ? "rate_limit_error" : "invalid_request_error";
  send(response, status, { error: { message: error.message, type, param: error.param, code: error.code } });
}

type Fields = Readonly<Record<string, unknown>>;

/** What a request has and its answer does not. */
const NOT_REPEATED: ReadonlySet<string> = new Set(["input", "include", "stream", "stream_options"]);

const DEFAULTS: Fields = {
  object: "response",
  created_at: 1_700_000_000,
  completed_at: null,
  background: false,
  error: null,
  incomplete_details: null,
  instructions: null,
  max_output_tokens: null,
  max_tool_calls: null,
  parallel_tool_calls: true,
  presence_penalty: 0,
  frequency_penalty: 0,
  previous_response_id: null,
  prompt_cache_key: null,
  safety_identifier: null,
  service_tier: "default",
  store: true,
  temperature: 1,
  tool_choice: "auto",
  tools: [],
  top_logprobs: 0,
  top_p: 1,
  truncation: "disabled",
  user: null,
  metadata: {},
  x_standin: "a field no client knows",
};

/** One answer: its object, and its events. */
class Answer {
  readonly id: string;
  readonly #body: ResponsesBody;
  readonly #index: number;
  readonly #output: Fields[] = [];
  readonly #events: string[] = [];
  #sequence = 0;

  constructor(body: ResponsesBody, index: number) {
    this.id = `resp_standin${index}`;
    this.#body = body;
    this.#index = index;
  }

  play(scripted: Exclude<ScriptedResponse, { readonly error: unknown }>, response: ServerResponse): void {
    const begun = this.#response({ status: "in_progress", usage: null });
    this.#emit("response.created", { response: begun });
    this.#emit("response.in_progress", { response: begun });
    for (const item of scripted.items) this.#item(item);
    const ending = this.#ending(scripted);
    if (this.#body.stream !== true) return send(response, 200, ending);
    response.writeHead(200, { "content-type": "text/event-stream; charset=utf-8", "x-request-id": "req_stand_in" });
    if (!("silence" in scripted)) this.#emit(`response.${String(ending.status)}`, { response: ending });
    for (const event of this.#events) response.write(event);
    if (!("silence" in scripted)) response.end();
    return undefined;
  }

  #ending(scripted: ScriptedResponse): Fields {
    const usage = {
      input_tokens: JSON.stringify(this.#body.input ?? "").split(" ").length,
      input_tokens_details: { cached_tokens: 3, cache_write_tokens: 0 },
      output_tokens: this.#events.length,
      output_tokens_details: { reasoning_tokens: 2 },
      total_tokens: JSON.stringify(this.#body.input ?? "").split(" ").length + this.#events.length,
    };
    if ("failure" in scripted)
      return this.#response({ status: "failed", usage: null, error: { code: "server_error", message: scripted.failure } });
    const reason = "incomplete" in scripted ? scripted.incomplete : undefined;
    if (reason !== undefined) return this.#response({ status: "incomplete", usage, incomplete_details: { reason } });
    return this.#response({ status: "completed", completed_at: 1_700_000_001, usage });
  }

  #response(fields: Fields): Fields {
    const given = Object.entries(this.#body).filter(([name, value]) => value !== null && !NOT_REPEATED.has(name));
    const { reasoning, text, model, tools } = this.#body;
    return {
      id: this.id,
      ...DEFAULTS,
      ...Object.fromEntries(given),
      model: `${model}-2026-01-01`,
      output: [...this.#output],
      tools: (tools ?? []).map((tool) =>
        tool.type === "function" ? { description: null, parameters: null, strict: true, ...tool } : tool,
      ),
      reasoning: { effort: null, summary: null, ...reasoning },
      text: { verbosity: "medium", ...text, format: text?.format ?? { type: "text" } },
      ...fields,
    };
  }

  #emit(type: string, fields: Fields): void {
    this.#events.push(`event: ${type}\ndata: ${JSON.stringify({ type, sequence_number: this.#sequence, ...fields })}\n\n`);
    this.#sequence += 1;
  }

  #item(item: ScriptedItem): void {
    const output_index = this.#output.length;
    const place = `standin${this.#index}x${output_index}`;
    const added = (fields: Fields): void => this.#emit("response.output_item.added", { output_index, item: fields });
    const done = (fields: Fields): void => {
      this.#output.push(fields);
      this.#emit("response.output_item.done", { output_index, item: fields });
    };
    switch (item.type) {
      case "text":
      case "refusal":
        this.#message(item, { id: `msg_${place}`, output_index, added, done });
        return;
      case "reasoning":
        this.#reasoning(item.summary, { id: `rs_${place}`, output_index, added, done });
        return;
      case "call": {
        const head = { id: `fc_${place}`, type: "function_call", call_id: item.callId, name: item.name };
        added({ ...head, status: "in_progress", arguments: "" });
        const middle = Math.ceil(item.arguments.length / 2);
        for (const delta of [item.arguments.slice(0, middle), item.arguments.slice(middle)])
          this.#emit("response.function_call_arguments.delta", { item_id: head.id, output_index, delta, obfuscation: "x" });
        this.#emit("response.function_call_arguments.done", { item_id: head.id, output_index, name: item.name, arguments: item.arguments });
        done({ ...head, status: "completed", arguments: item.arguments });
        return;
      }
      case "custom": {
        const head = { id: `ctc_${place}`, type: "custom_tool_call", call_id: item.callId, name: item.name };
        added({ ...head, status: "in_progress", input: "" });
        this.#emit("response.custom_tool_call_input.delta", { item_id: head.id, output_index, delta: item.input });
        this.#emit("response.custom_tool_call_input.done", { item_id: head.id, output_index, input: item.input });
        done({ ...head, status: "completed", input: item.input });
      }
    }
  }

  #message(item: Extract<ScriptedItem, { type: "text" | "refusal" }>, place: ItemPlace): void {
    const at = { item_id: place.id, output_index: place.output_index, content_index: 0 };
    const head = { id: place.id, type: "message", role: "assistant" };
    place.added({ ...head, status: "in_progress", content: [] });
    if (item.type === "refusal") {
      this.#emit("response.content_part.added", { ...at, part: { type: "refusal", refusal: "" } });
      this.#emit("response.refusal.delta", { ...at, delta: item.text });
      this.#emit("response.refusal.done", { ...at, refusal: item.text });
      const part = { type: "refusal", refusal: item.text };
      this.#emit("response.content_part.done", { ...at, part });
      return place.done({ ...head, status: "completed", content: [part] });
    }
    const text = item.pieces.join("");
    this.#emit("response.content_part.added", { ...at, part: { type: "output_text", text: "", annotations: [], logprobs: [] } });
    for (const delta of item.pieces) this.#emit("response.output_text.delta", { ...at, delta, logprobs: [], obfuscation: "abc" });
    const annotation = { type: "url_citation", url: item.url, title: "A page", start_index: 0, end_index: text.length };
    if (item.url !== undefined) this.#emit("response.output_text.annotation.added", { ...at, annotation_index: 0, annotation });
    this.#emit("response.output_text.done", { ...at, text, logprobs: [] });
    const part = { type: "output_text", text, annotations: item.url === undefined ? [] : [annotation], logprobs: [] };
    this.#emit("response.content_part.done", { ...at, part });
    return place.done({ ...head, status: "completed", content: [part] });
  }

  #reasoning(text: string, place: ItemPlace): void {
    const at = { item_id: place.id, output_index: place.output_index, summary_index: 0 };
    const encrypted_content = `gAAAA${Buffer.from(text).toString("base64")}`;
    place.added({ id: place.id, type: "reasoning", status: "in_progress", summary: [], encrypted_content: "gAAAApartial" });
    if (text !== "") {
      this.#emit("response.reasoning_summary_part.added", { ...at, part: { type: "summary_text", text: "" } });
      this.#emit("response.reasoning_summary_text.delta", { ...at, delta: text });
      this.#emit("response.reasoning_summary_text.done", { ...at, text });
      this.#emit("response.reasoning_summary_part.done", { ...at, part: { type: "summary_text", text } });
    }
    place.done({
      id: place.id,
      type: "reasoning",
      status: "completed",
      summary: text === "" ? [] : [{ type: "summary_text", text }],
      encrypted_content,
    });
  }
}

interface ItemPlace {
  readonly id: string;
  readonly output_index: number;
  readonly added: (fields: Fields) => void;
  readonly done: (fields: Fields) => void;
}
