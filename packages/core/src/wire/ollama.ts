import type { Json } from "../json.ts";
import type {
  ContentPart,
  Message,
  ModelPart,
  ModelRequest,
  OutputFormat,
  Reasoning,
  Reply,
  Sampling,
  ToolCall,
  ToolSpec,
} from "../model.ts";
import {
  arrayAt,
  defined,
  isObject,
  misfit,
  objectAt,
  optionalCountAt,
  optionalNumberAt,
  optionalStringAt,
  stringAt,
  unsupported,
  type JsonObject,
} from "./shape.ts";

/** Which of Ollama's two ways to ask a model: a conversation (`/api/chat`), or a prompt (`/api/generate`). */
export type OllamaForm = "chat" | "generate";

/** A request of Ollama's native API. Without `request` it only wants the model to be loaded, or to be put away. */
export interface OllamaCall {
  readonly model: string;
  readonly stream: boolean;
  readonly request: ModelRequest | undefined;
}

/** What an answer says of itself. */
export interface OllamaHead {
  readonly form: OllamaForm;
  readonly model: string;
  /** When the request came, in milliseconds since 1970. */
  readonly startedAtMs: number;
}

/** Reads the body of `POST /api/chat` or `POST /api/generate`. Unlike OpenAI's, answers are streamed unless they are not to be. */
export function decodeOllamaRequest(form: OllamaForm, body: unknown): OllamaCall {
  const fields = objectAt(body, "body");
  const messages = form === "chat" ? decodeMessages(fields.messages) : decodePrompt(fields);
  const call = { model: stringAt(fields.model, "model"), stream: fields.stream !== false };
  if (messages.every(({ role }) => role === "system")) return { ...call, request: undefined };
  const options = isObject(fields.options) ? fields.options : {};
  return {
    ...call,
    request: {
      messages,
      ...defined({
        tools: decodeTools(fields.tools),
        format: decodeFormat(fields.format),
        outputTokensMax: decodeLimit(options.num_predict),
        sampling: decodeSampling(options),
        reasoning: decodeThink(fields.think),
      }),
    },
  };
}

/** A prompt is a conversation of one turn. */
function decodePrompt(fields: JsonObject): readonly Message[] {
  const suffix = optionalStringAt(fields.suffix, "suffix") ?? "";
  if (suffix !== "") throw unsupported("suffix", "none: only the prompt is gone on with", suffix);
  const system = optionalStringAt(fields.system, "system") ?? "";
  const prompt = optionalStringAt(fields.prompt, "prompt") ?? "";
  return [
    ...(system === "" ? [] : [{ role: "system" as const, content: system }]),
    ...(prompt === "" ? [] : [{ role: "user" as const, content: prompt, ...withImages(prompt, fields.images, "images") }]),
  ];
}

/** Ollama's tool calls have names and no ids: a result answers the first call of its name that has none yet. */
function decodeMessages(value: unknown): readonly Message[] {
  const open: ToolCall[] = [];
  return arrayAt(value ?? [], "messages").map((item, index): Message => {
    const path = `messages[${index}]`;
    const fields = objectAt(item, path);
    const content = optionalStringAt(fields.content, `${path}.content`) ?? "";
    switch (fields.role) {
      case "system":
        return { role: "system", content };
      case "user":
        return { role: "user", content, ...withImages(content, fields.images, `${path}.images`) };
      case "assistant": {
        const calls = decodeCalls(fields.tool_calls, { path: `${path}.tool_calls`, turn: index });
        open.push(...calls);
        return { role: "assistant", content, ...(calls.length > 0 && { calls }) };
      }
      case "tool":
        return { role: "tool", content, callId: takeCall(open, fields, path) };
      default:
        throw misfit(`${path}.role`, `"system", "user", "assistant" or "tool"`, fields.role);
    }
  });
}

function takeCall(open: ToolCall[], fields: JsonObject, path: string): string {
  const id = fields.tool_call_id;
  const name = fields.tool_name ?? fields.name;
  const at = open.findIndex((call) => (typeof id === "string" ? call.id === id : name === undefined || call.name === name));
  const [call] = at < 0 ? [] : open.splice(at, 1);
  if (call === undefined) throw misfit(`${path}.tool_name`, "the name of a tool that was called before", name);
  return call.id;
}

function decodeCalls(value: unknown, { path, turn }: { readonly path: string; readonly turn: number }): readonly ToolCall[] {
  return arrayAt(value ?? [], path).map((item, index) => {
    const fields = objectAt(item, `${path}[${index}]`);
    const target = objectAt(fields.function, `${path}[${index}].function`);
    return {
      id: optionalStringAt(fields.id, `${path}[${index}].id`) ?? `call_${turn}_${index}`,
      name: stringAt(target.name, `${path}[${index}].function.name`),
      input: (target.arguments ?? {}) as Json,
    };
  });
}

/** The first characters of base64 tell what a picture is. */
const PICTURES: readonly (readonly [string, string])[] = [
  ["/9j/", "image/jpeg"],
  ["R0lG", "image/gif"],
  ["UklG", "image/webp"],
];

function withImages(text: string, value: unknown, path: string): { readonly parts?: readonly ContentPart[] } {
  const images = arrayAt(value ?? [], path);
  if (images.length === 0) return {};
  const parts = images.map((item, index): ContentPart => {
    const data = stringAt(item, `${path}[${index}]`);
    const mediaType = PICTURES.find(([begin]) => data.startsWith(begin))?.[1] ?? "image/png";
    return { type: "image", media: { data, mediaType } };
  });
  return { parts: [...(text === "" ? [] : [{ type: "text" as const, text }]), ...parts] };
}

function decodeTools(value: unknown): readonly ToolSpec[] | undefined {
  const tools = arrayAt(value ?? [], "tools");
  if (tools.length === 0) return undefined;
  return tools.map((item, index) => {
    const path = `tools[${index}].function`;
    const target = objectAt(objectAt(item, `tools[${index}]`).function, path);
    return {
      name: stringAt(target.name, `${path}.name`),
      description: optionalStringAt(target.description, `${path}.description`) ?? "",
      parameters: (target.parameters ?? { type: "object", properties: {} }) as Json,
    };
  });
}

function decodeFormat(value: unknown): OutputFormat | undefined {
  if (value === undefined || value === null || value === "") return undefined;
  if (value === "json") return { type: "json" };
  return { type: "schema", name: "answer", schema: objectAt(value, "format") as Json };
}

/** Below zero: as long as it likes. */
function decodeLimit(value: unknown): number | undefined {
  return typeof value === "number" && value < 0 ? undefined : optionalCountAt(value, "options.num_predict");
}

function decodeSampling(options: JsonObject): Sampling | undefined {
  const number = (name: string): number | undefined => optionalNumberAt(options[name], `options.${name}`);
  const { stop } = options;
  const stops = typeof stop === "string" ? [stop] : arrayAt(stop ?? [], "options.stop").map((item) => stringAt(item, "options.stop"));
  const sampling = defined({
    temperature: number("temperature"),
    topP: number("top_p"),
    topK: number("top_k"),
    seed: number("seed"),
    presencePenalty: number("presence_penalty"),
    frequencyPenalty: number("frequency_penalty"),
    stop: stops.length > 0 ? stops : undefined,
  });
  return Object.keys(sampling).length === 0 ? undefined : sampling;
}

function decodeThink(value: unknown): Reasoning | undefined {
  if (value === undefined || value === null) return undefined;
  if (value === true) return { effort: "medium", isShown: true };
  if (value === false) return { effort: "none" };
  if (value === "low" || value === "medium" || value === "high") return { effort: value, isShown: true };
  throw misfit("think", `true, false, "low", "medium" or "high"`, value);
}

/** A piece of a streamed answer as a line of JSON; "" where Ollama has nothing to say for it. Calls come whole. */
export function encodeOllamaPart(part: ModelPart, head: OllamaHead): string {
  switch (part.type) {
    case "text":
    case "refusal":
      return lineOf(head, { content: part.text });
    case "reasoning":
      return part.text === "" ? "" : lineOf(head, { content: "", thinking: part.text });
    case "call":
      return lineOf(head, { content: "", tool_calls: [encodeCall(part.call)] });
    case "finish":
      return `${JSON.stringify({ ...said(head, { content: "" }), ...ending(part, head) })}\n`;
    case "call.delta":
    case "citation":
    case "audio":
    case "image":
      return "";
  }
}

/** An answer in one piece. */
export function encodeOllamaReply({ content, parts = [], calls, finishReason, usage }: Reply, head: OllamaHead): Json {
  const thinking = parts.map((part) => (part.type === "reasoning" ? part.text : "")).join("");
  const message = { content, ...(thinking !== "" && { thinking }), ...(calls.length > 0 && { tool_calls: calls.map(encodeCall) }) };
  return { ...said(head, message), ...ending({ reason: finishReason, usage }, head) };
}

/** The answer to a request that only loads a model: there is nothing to load here. */
export function encodeOllamaLoaded(head: OllamaHead): Json {
  return { ...said(head, { content: "" }), done: true, done_reason: "load" };
}

/** What a message holds beside its role. */
type Said = { readonly content: string; readonly [key: string]: Json };
type Fields = { readonly [key: string]: Json };

function lineOf(head: OllamaHead, message: Said): string {
  return `${JSON.stringify({ ...said(head, message), done: false })}\n`;
}

function said({ form, model }: OllamaHead, message: Said): Fields {
  const head = { model, created_at: new Date().toISOString() };
  if (form === "chat") return { ...head, message: { role: "assistant", ...message } };
  const { content, ...rest } = message;
  return { ...head, response: content, ...rest };
}

const NANOSECONDS = 1_000_000;

function ending({ reason, usage }: Pick<Extract<ModelPart, { type: "finish" }>, "reason" | "usage">, { startedAtMs }: OllamaHead): Fields {
  const durationNs = Math.max(1, Date.now() - startedAtMs) * NANOSECONDS;
  return {
    done: true,
    done_reason: reason === "length" ? "length" : "stop",
    total_duration: durationNs,
    load_duration: 0,
    prompt_eval_count: usage.inputTokens,
    prompt_eval_duration: 0,
    eval_count: usage.outputTokens,
    eval_duration: durationNs,
  };
}

function encodeCall({ id, name, input }: ToolCall): Json {
  return { id, function: { name, arguments: input } };
}
