import type { ServerResponse } from "node:http";
import type { z } from "zod";
import {
  editReply,
  embeddingsReply,
  imagesReply,
  moderationReply,
  rerankReply,
  speechReply,
  transcriptReply,
  type MediaReply,
} from "./media-answers.ts";
import { EDIT, EMBEDDINGS, IMAGES, MODERATION, RERANK, SPEECH, TRANSCRIPT } from "./media-checks.ts";
import { startStandIn } from "./stand-in.ts";

/** One call as the stand-in saw it. */
interface SeenMediaCall {
  readonly path: string;
  readonly contentType: string;
  readonly received: Buffer;
}

/** A running stand-in. */
export interface MediaUpstream extends AsyncDisposable {
  /** What an OpenAI client takes as its base URL. */
  readonly baseUrl: string;
  /** Calls in the order in which they came. */
  readonly calls: readonly SeenMediaCall[];
}

/** What the stand-in takes as its key. */
export const MEDIA_API_KEY = "sk-media-stand-in";

/**
 * A stand-in for the parts of OpenAI's hosted API that are no conversation, and for Cohere's ranking, on the loopback interface, for tests:
 * it speaks their wire formats strictly and refuses what the real ones refuse. It hears, draws and understands nothing. Forms are read by
 * Node, not by Tutti, so that the two cannot be wrong together.
 */
export async function startMediaUpstream(): Promise<MediaUpstream> {
  const calls: SeenMediaCall[] = [];
  const standIn = await startStandIn(async (request, response, received) => {
    const contentType = request.headers["content-type"] ?? "";
    calls.push({ path: request.url ?? "", contentType, received });
    if (request.headers.authorization !== `Bearer ${MEDIA_API_KEY}`)
      return refuse(response, 401, new Refusal("Incorrect API key provided.", null));
    if (request.method === "GET" && request.url === "/v1/models")
      return send(response, { contentType: "application/json", pieces: ['{"object":"list","data":[]}'] });
    const answer = request.method === "POST" ? DOORS.get(request.url ?? "") : undefined;
    if (answer === undefined) return refuse(response, 404, new Refusal(`Invalid URL (${request.method} ${request.url})`, null));
    try {
      return send(response, await answer(received, contentType));
    } catch (thrown) {
      if (!(thrown instanceof Refusal)) throw thrown;
      return refuse(response, 400, thrown);
    }
  });
  return {
    baseUrl: `${standIn.origin}/v1`,
    calls,
    [Symbol.asyncDispose]: () => standIn[Symbol.asyncDispose](),
  };
}

/** Why the real one would refuse a request. */
class Refusal extends Error {
  readonly param: string | null;

  constructor(message: string, param: string | null) {
    super(message);
    this.param = param;
  }
}

type Answer = (received: Buffer, contentType: string) => MediaReply | Promise<MediaReply>;

const DOORS: ReadonlyMap<string, Answer> = new Map<string, Answer>([
  ["/v1/embeddings", (received, type) => embeddingsReply(readJson(EMBEDDINGS, received, type))],
  ["/v1/rerank", (received, type) => rerankReply(readJson(RERANK, received, type))],
  ["/v1/audio/speech", (received, type) => speechReply(readJson(SPEECH, received, type))],
  ["/v1/images/generations", (received, type) => imagesReply(readJson(IMAGES, received, type))],
  ["/v1/moderations", (received, type) => moderationReply(readJson(MODERATION, received, type))],
  ["/v1/audio/transcriptions", (received, type) => transcript(received, type, "transcribe")],
  ["/v1/audio/translations", (received, type) => transcript(received, type, "translate")],
  [
    "/v1/images/edits",
    async (received, type) => {
      const { fields, file } = await readForm(received, type, "image");
      return editReply(check(EDIT, fields), file);
    },
  ],
]);

async function transcript(received: Buffer, type: string, task: string): Promise<MediaReply> {
  const { fields, file } = await readForm(received, type, "file");
  if (!/\.(flac|mp3|mp4|mpeg|mpga|m4a|ogg|wav|webm)$/.test(file.name)) throw new Refusal("Invalid file format.", "file");
  return transcriptReply(check(TRANSCRIPT, fields), file, task);
}

function readJson<T>(schema: z.ZodType<T>, received: Buffer, contentType: string): T {
  if (!contentType.startsWith("application/json")) throw new Refusal(`Unsupported content type: '${contentType}'.`, null);
  let value: unknown;
  try {
    value = JSON.parse(received.toString("utf8"));
  } catch {
    throw new Refusal("We could not parse the JSON body of your request.", null);
  }
  return check(schema, value);
}

function check<T>(schema: z.ZodType<T>, value: unknown): T {
  const checked = schema.safeParse(value);
  if (checked.success) return checked.data;
  const [issue] = checked.error.issues;
  throw new Refusal(issue?.message ?? "Invalid request.", issue?.path.join(".") ?? null);
}

async function readForm(
  received: Buffer,
  contentType: string,
  fileField: string,
): Promise<{ readonly fields: Readonly<Record<string, string>>; readonly file: { readonly name: string; readonly bytes: Buffer } }> {
  const form = await new Response(received as Buffer<ArrayBuffer>, { headers: { "content-type": contentType } }).formData().catch(() => {
    throw new Refusal("Could not parse multipart form", null);
  });
  const fields: Record<string, string> = {};
  let file: File | undefined;
  for (const [name, value] of form) {
    if (typeof value === "string") fields[name] = value;
    else if (name === fileField) file = value;
    else throw new Refusal(`Unexpected file field '${name}'.`, name);
  }
  if (file === undefined) throw new Refusal(`Missing required parameter: '${fileField}'.`, fileField);
  return { fields, file: { name: file.name, bytes: Buffer.from(await file.arrayBuffer()) } };
}

function send(response: ServerResponse, { contentType, pieces, isEndless }: MediaReply): void {
  response.writeHead(200, { "content-type": contentType, "x-request-id": "req_stand_in" });
  for (const piece of pieces) response.write(piece);
  if (isEndless !== true) response.end();
}

function refuse(response: ServerResponse, status: number, { message, param }: Refusal): void {
  response.writeHead(status, { "content-type": "application/json" });
  response.end(JSON.stringify({ error: { message, type: "invalid_request_error", param, code: null } }));
}
