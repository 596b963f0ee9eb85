import type { Usage } from "@tutti/core";

/** What a call said about itself in passing. */
export interface Observed {
  readonly bytes: number;
  readonly id?: string;
  readonly finishReason?: string;
  /** core's `Usage`, written out: an interface has no index signature, and this goes into the journal as JSON. */
  readonly usage?: { readonly inputTokens: number; readonly outputTokens: number };
}

/** The longest JSON answer that is looked into. */
const JSON_BYTES_MAX = 1024 * 1024;
/** A stream says how it ended and what it used in its last events, before `[DONE]`. */
const TAIL_BYTES_MAX = 16_384;
const TAIL_EVENTS_MAX = 5;

/** Looks on while an answer passes by: it keeps references to the chunks that matter and reads them once the answer is over. */
export class Tap {
  readonly #format: "json" | "sse" | "other";
  readonly #chunks: Buffer[] = [];
  #kept = 0;
  #bytes = 0;

  constructor(contentType: string | undefined) {
    if (contentType?.startsWith("text/event-stream") === true) this.#format = "sse";
    else this.#format = contentType?.startsWith("application/json") === true ? "json" : "other";
  }

  see(chunk: Buffer): void {
    this.#bytes += chunk.length;
    if (this.#format === "other" || (this.#format === "json" && this.#bytes > JSON_BYTES_MAX)) return;
    this.#chunks.push(chunk);
    this.#kept += chunk.length;
    if (this.#format === "sse") this.#forget();
  }

  /** What the answer said; to be called once it is over. */
  observed(): Observed {
    if (this.#format === "json" && this.#bytes <= JSON_BYTES_MAX) return { bytes: this.#bytes, ...readAnswer(this.#text()) };
    if (this.#format === "sse") return { bytes: this.#bytes, ...readTail(this.#text()) };
    return { bytes: this.#bytes };
  }

  #forget(): void {
    for (let first = this.#chunks[0]; first !== undefined && this.#kept - first.length >= TAIL_BYTES_MAX; first = this.#chunks[0]) {
      this.#chunks.shift();
      this.#kept -= first.length;
    }
  }

  #text(): string {
    const [first] = this.#chunks;
    const bytes = first !== undefined && this.#chunks.length === 1 ? first : Buffer.concat(this.#chunks, this.#kept);
    return bytes.toString("utf8");
  }
}

interface Answer {
  readonly id?: unknown;
  readonly choices?: readonly { readonly finish_reason?: unknown }[];
  readonly usage?: { readonly prompt_tokens?: unknown; readonly completion_tokens?: unknown } | null;
}

function readAnswer(text: string): Omit<Observed, "bytes"> {
  try {
    return facts(JSON.parse(text) as Answer);
  } catch {
    // The upstream's bytes are the client's business; a tap only looks on.
    return {};
  }
}

/** Reads the last few events; no line break can stand inside one's JSON. */
function readTail(text: string): Omit<Observed, "bytes"> {
  let found: Omit<Observed, "bytes"> = {};
  let end = text.length;
  for (let events = 0; events < TAIL_EVENTS_MAX && end > 0; events += 1) {
    const start = text.lastIndexOf("\ndata:", end - 1);
    const data = text.slice(start + "\ndata:".length, end);
    // A failed parse is dear, and `[DONE]` comes in every stream.
    if (data.includes("}")) found = { ...readAnswer(data), ...found };
    if (found.usage !== undefined && found.finishReason !== undefined) break;
    end = start;
  }
  return found;
}

function facts(answer: Answer): Omit<Observed, "bytes"> {
  const reason = Array.isArray(answer.choices) ? answer.choices[0]?.finish_reason : undefined;
  return {
    ...(typeof answer.id === "string" && { id: answer.id }),
    ...(typeof reason === "string" && { finishReason: reason }),
    ...(answer.usage !== undefined && answer.usage !== null && { usage: usageOf(answer.usage) }),
  };
}

function usageOf(usage: { readonly prompt_tokens?: unknown; readonly completion_tokens?: unknown }): Usage {
  return { inputTokens: count(usage.prompt_tokens), outputTokens: count(usage.completion_tokens) };
}

function count(value: unknown): number {
  return typeof value === "number" && Number.isSafeInteger(value) && value > 0 ? value : 0;
}
