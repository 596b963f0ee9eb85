import assert from "node:assert/strict";
import { answerChunks, type Script, type ScriptedAnswer } from "../../packages/server/src/testing/openai-answers.ts";
import type { GeminiScript } from "../../packages/server/src/testing/gemini-upstream.ts";
import type { ResponsesScript } from "../../packages/server/src/testing/responses-upstream.ts";

/** How often a client reads before it takes an answer for lost. */
const READS_MAX = 10_000;

/** One request of the script: what is asked, and how the client takes the answer. */
export interface Exchange {
  readonly path: string;
  readonly body: object | FormData;
  /** "leave": the client goes when it has so many pieces of text, and the upstream sends no more before it does. */
  readonly take: "whole" | { readonly leaveAfter: number };
}

/** The words that tell a stand-in what to do: `#fail` and the like, at the beginning of what the user says. */
const ORDER = /^#(?<what>fail-once|fail|pause|cut)(?::(?<count>\d+))?(?::(?<name>\S+))? /;

/** A stand-in's script: it echoes, unless the user's words order something else. One that `isSteady` neither fails nor cuts anything off. */
export function obey({ isSteady }: { readonly isSteady: boolean }): Script {
  const failed = new Set<string>();
  return (body, index) => {
    const said = textOf(body.messages.at(-1)?.content ?? "");
    const { what, count = "3", name = "" } = ORDER.exec(said)?.groups ?? {};
    const answer: ScriptedAnswer = { type: "text", pieces: piecesOf(said) };
    if (isSteady && what !== "pause") return answer;
    const isFailing = what === "fail" || (what === "fail-once" && !failed.has(name));
    if (isFailing) {
      failed.add(name);
      return { type: "error", status: 503, message: "The engine is overloaded." };
    }
    if (what !== "pause" && what !== "cut") return answer;
    // The role comes first.
    const chunks = answerChunks(answer, body, index).slice(0, 1 + Number(count));
    const headers = { "content-type": "text/event-stream; charset=utf-8" };
    const events = chunks.map((chunk) => `data: ${JSON.stringify(chunk)}\n\n`);
    return { type: "raw", status: 200, headers, chunks: events, ending: what === "pause" ? "silence" : "reset" };
  };
}

function textOf(content: string | readonly object[] | null): string {
  return typeof content === "string" ? content : (content ?? []).map((part) => ("text" in part ? String(part.text) : "")).join("");
}

/** The same for the Responses API. */
export const obeyResponses: ResponsesScript = ({ input }) => {
  const said = typeof input === "string" ? input : JSON.stringify(input);
  const order = ORDER.exec(said)?.groups;
  if (order?.["what"] !== "pause") return { items: [{ type: "text", pieces: piecesOf(said) }] };
  return { items: [{ type: "text", pieces: piecesOf(said).slice(0, Number(order["count"] ?? 3)) }], silence: true };
};

/** And for Gemini's API, which thinks a little before each answer. */
export const obeyGemini: GeminiScript = ({ contents }) => {
  const said = (contents.at(-1)?.parts ?? []).map(({ text = "" }) => text).join("");
  const pieces = piecesOf(said);
  const usage = { promptTokenCount: said.split(" ").length, candidatesTokenCount: pieces.length, thoughtsTokenCount: 2 };
  return { type: "chunks", chunks: [...pieces.map((text) => ({ parts: [{ text }] })), { finishReason: "STOP", usage }] };
};

function piecesOf(said: string): readonly string[] {
  return `You said: ${said}`.split(/(?<= )/);
}

/** Plays an exchange as a client with a key. */
export async function play(url: string, secret: string, { path, body, take }: Exchange): Promise<void> {
  const isForm = body instanceof FormData;
  const leaving = new AbortController();
  const response = await fetch(new URL(path, url), {
    method: "POST",
    headers: { authorization: `Bearer ${secret}`, ...(!isForm && { "content-type": "application/json" }) },
    body: isForm ? body : JSON.stringify(body),
    signal: leaving.signal,
  });
  if (take === "whole" || response.body === null) {
    // An answer that its provider cuts off is cut off here too.
    const text = await response.text().catch(() => "");
    assert.ok(response.ok, `${path} ${JSON.stringify(body)}: ${response.status} ${text}`);
    return;
  }
  await readPieces(response.body, take.leaveAfter);
  leaving.abort();
}

/** Reads until so many pieces of text have come. */
async function readPieces(body: ReadableStream<Uint8Array>, count: number): Promise<void> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  let text = "";
  for (let reads = 0; reads < READS_MAX; reads += 1) {
    const { done, value } = await reader.read();
    text += decoder.decode(value, { stream: !done });
    const found = text.split("\n").filter((line) => hasText(line)).length;
    if (found >= count) return;
    assert.ok(!done, `wanted ${count} pieces before the answer ends, got ${found}: ${text}`);
  }
  assert.fail("the answer has no end and no text");
}

/** Whether a line of a stream carries a piece of text, in any of the formats. */
function hasText(line: string): boolean {
  if (!line.startsWith("data: {")) return false;
  return /"content":"[^"]|"type":"(?:response\.output_text\.delta|text_delta)"|"text":"[^"]/.test(line);
}
