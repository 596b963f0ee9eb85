import type { FileHandle } from "node:fs/promises";
import { z } from "zod";

/** What OpenAI lets one batch hold. */
const LINES_MAX = 50_000;
const LINE_BYTES_MAX = 16 * 1024 * 1024;
const CUSTOM_ID_CHARS_MAX = 512;
/** The mistakes that are told of one file. */
const MISTAKES_MAX = 100;
const CHUNK_BYTES = 1024 * 1024;

/** Doors that a batch can go through: those that answer with JSON in one piece. */
export const BATCH_ENDPOINTS = [
  "/v1/chat/completions",
  "/v1/completions",
  "/v1/responses",
  "/v1/messages",
  "/v1/embeddings",
  "/v1/rerank",
  "/v1/moderations",
  "/v1/images/generations",
] as const;

/** One of them. */
export type BatchEndpoint = (typeof BATCH_ENDPOINTS)[number];

const lineSchema = z.object({
  custom_id: z.string("a string").min(1, "at least one character").max(CUSTOM_ID_CHARS_MAX, `at most ${CUSTOM_ID_CHARS_MAX} characters`),
  method: z.literal("POST", '"POST"'),
  url: z.string("a string"),
  body: z.record(z.string(), z.json(), "an object"),
});

/** A request of a batch. */
export type BatchLine = z.infer<typeof lineSchema>;

/** What is wrong with a batch's file, in OpenAI's shape. Lines count from 1. */
export interface BatchMistake {
  readonly code: string;
  readonly message: string;
  readonly param: string | null;
  readonly line: number | null;
}

/** Where the requests of a file stand: the start and end of each in turn. */
export interface BatchPlaces {
  readonly places: readonly number[];
  readonly mistakes: readonly BatchMistake[];
}

/** Looks through a file of requests, one a line, without keeping them. */
export async function findLines(file: FileHandle, endpoint: BatchEndpoint): Promise<BatchPlaces> {
  const places: number[] = [];
  const mistakes: BatchMistake[] = [];
  const seen = new Set<string>();
  for await (const { bytes, start, number } of linesOf(file)) {
    if (mistakes.length >= MISTAKES_MAX) break;
    if (places.length / 2 >= LINES_MAX) {
      mistakes.push({ code: "too_many_tasks", message: `wanted at most ${LINES_MAX} requests, got more`, param: null, line: number });
      break;
    }
    const read = readLine(bytes);
    const mistake = "mistake" in read ? read.mistake : mistakeIn(read.line, endpoint, seen);
    if (mistake !== undefined) mistakes.push({ ...mistake, line: number });
    places.push(start, start + bytes.length);
  }
  if (places.length === 0 && mistakes.length === 0)
    mistakes.push({ code: "empty_file", message: "wanted at least one request, got an empty file", param: null, line: null });
  return { places, mistakes };
}

type Mistake = Omit<BatchMistake, "line">;

function readLine(bytes: Buffer): { readonly line: BatchLine } | { readonly mistake: Mistake } {
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString("utf8"));
  } catch {
    return { mistake: { code: "invalid_json_line", message: "wanted a JSON object, got a line that does not parse", param: null } };
  }
  const checked = lineSchema.safeParse(value);
  if (checked.success) return { line: checked.data };
  const [issue] = checked.error.issues;
  const param = String(issue?.path[0] ?? "") || null;
  return { mistake: { code: "invalid_request", message: `${param ?? "line"}: wanted ${issue?.message ?? "something else"}`, param } };
}

function mistakeIn({ custom_id: id, url, body }: BatchLine, endpoint: BatchEndpoint, seen: Set<string>): Mistake | undefined {
  if (seen.has(id))
    return { code: "duplicate_custom_id", message: `custom_id: wanted one of its own, got "${id}" again`, param: "custom_id" };
  seen.add(id);
  if (url !== endpoint)
    return { code: "mismatched_endpoint", message: `url: wanted "${endpoint}", got "${url.slice(0, 100)}"`, param: "url" };
  if (body["stream"] === true)
    return { code: "invalid_request", message: "body.stream: wanted an answer in one piece, got a stream", param: "body.stream" };
  return undefined;
}

/** The request at a place that `findLines` found. */
export async function lineAt(file: FileHandle, start: number, end: number): Promise<BatchLine> {
  const { buffer } = await file.read({ buffer: Buffer.alloc(end - start), position: start });
  return lineSchema.parse(JSON.parse(buffer.toString("utf8")));
}

/** Lines with something in them. */
async function* linesOf(file: FileHandle): AsyncGenerator<{ readonly bytes: Buffer; readonly start: number; readonly number: number }> {
  let held: Buffer = Buffer.alloc(0);
  let start = 0;
  let number = 0;
  for (let position = 0; ;) {
    const { bytesRead, buffer } = await file.read({ buffer: Buffer.alloc(CHUNK_BYTES), position });
    position += bytesRead;
    held = Buffer.concat([held, buffer.subarray(0, bytesRead)]);
    for (let end = held.indexOf(0x0a); end >= 0; end = held.indexOf(0x0a)) {
      number += 1;
      if (!isBlank(held, end)) yield { bytes: held.subarray(0, end), start, number };
      start += end + 1;
      held = held.subarray(end + 1);
    }
    // What is too long is cut here; it cannot parse then, and is told of as such.
    const isLast = bytesRead === 0 || held.length > LINE_BYTES_MAX;
    if (isLast && !isBlank(held, held.length)) yield { bytes: held, start, number: number + 1 };
    if (isLast) return;
  }
}

function isBlank(bytes: Buffer, end: number): boolean {
  return bytes.subarray(0, end).toString("latin1").trim() === "";
}
