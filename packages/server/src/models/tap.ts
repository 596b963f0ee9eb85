import type { Usage } from "@tutti/core/model";

/** What a call said about itself in passing. `usage` is written out because it goes into the journal as JSON. */
export interface Observed {
  readonly bytes: number;
  readonly id?: string;
  readonly finishReason?: string;
  readonly usage?: { readonly [K in keyof Usage]: number };
}

/** The longest JSON answer that is parsed as a whole; of longer ones the end is searched. */
const JSON_BYTES_MAX = 256 * 1024;
/** Streams say what they used in their last events; Anthropic's say what the prompt was in their first. */
const HEAD_BYTES_MAX = 4_096;
const TAIL_BYTES_MAX = 16_384;
/** How much of an answer is kept when all of it is wanted. */
const WHOLE_BYTES_MAX = 4 * 1024 * 1024;
const CANDIDATES_MAX = 8;
const END_CHUNKS = 16;
const JSON_END = /[}\]]\s*$/;
/** What the last events of the formats say: OpenAI's chat and completions, responses, sound and images, and Anthropic's messages. */
const END =
  /\[DONE\]|"finish_reason":\s?"|message_stop|response\.(?:completed|failed|incomplete)|"type":\s?"error"|"error":|(?:\.done|\.completed)"/;

/**
 * Looks on while an answer passes by: it keeps references to the chunks that matter and reads them once the answer is over. With
 * `keepsAll` it keeps the whole answer, within a bound, for whoever has to count or remember it.
 */
export class Tap {
  readonly #format: "json" | "sse" | "other";
  readonly #keepsAll: boolean;
  readonly #head: Buffer[] = [];
  readonly #tail: Buffer[] = [];
  #headBytes = 0;
  #tailBytes = 0;
  #bytes = 0;

  constructor(contentType: string | undefined, keepsAll = false) {
    this.#keepsAll = keepsAll;
    if (contentType?.startsWith("text/event-stream") === true) this.#format = "sse";
    else this.#format = contentType?.startsWith("application/json") === true ? "json" : "other";
  }

  see(chunk: Buffer): void {
    this.#bytes += chunk.length;
    if (this.#format === "other" && !this.#keepsAll) return;
    if (this.#headBytes < HEAD_BYTES_MAX) {
      this.#head.push(chunk);
      this.#headBytes += chunk.length;
      return;
    }
    this.#tail.push(chunk);
    this.#tailBytes += chunk.length;
    this.#forget();
  }

  /** What the answer said; to be called once it is over. */
  observed(): Observed {
    if (this.#format === "other") return { bytes: this.#bytes };
    return { bytes: this.#bytes, ...(this.#format === "json" ? this.#readJson() : this.#readStream()) };
  }

  /** The answer itself, or `undefined` when it was too long to keep. */
  whole(): Buffer | undefined {
    return this.#bytes === this.#headBytes + this.#tailBytes ? Buffer.concat([...this.#head, ...this.#tail]) : undefined;
  }

  /** Whether an answer came to its end: an upstream that dies may close its connection as if all were well. */
  isWhole(): boolean {
    if (this.#format === "other") return true;
    const end = textOf(this.#tail.length === 0 ? this.#head : this.#tail.slice(-END_CHUNKS));
    return (this.#format === "sse" ? END : JSON_END).test(end);
  }

  #forget(): void {
    const bytesMax = this.#keepsAll ? WHOLE_BYTES_MAX : this.#format === "json" ? JSON_BYTES_MAX : TAIL_BYTES_MAX;
    for (let first = this.#tail[0]; first !== undefined && this.#tailBytes - first.length >= bytesMax; first = this.#tail[0]) {
      this.#tail.shift();
      this.#tailBytes -= first.length;
    }
  }

  #readJson(): Omit<Observed, "bytes"> {
    if (this.#bytes <= JSON_BYTES_MAX) {
      const whole = textOf([...this.#head, ...this.#tail]);
      try {
        return factsOf(JSON.parse(whole) as Answer);
      } catch {
        // The upstream's bytes are the client's business; a tap only looks on.
        return {};
      }
    }
    return search(textOf(this.#head), textOf(this.#tail));
  }

  #readStream(): Omit<Observed, "bytes"> {
    const head = textOf(this.#head);
    return this.#tail.length === 0 ? search(head, head) : search(head, textOf(this.#tail));
  }
}

function textOf(chunks: readonly Buffer[]): string {
  const [first] = chunks;
  const bytes = first !== undefined && chunks.length === 1 ? first : Buffer.concat(chunks);
  return bytes.toString("utf8");
}

interface Answer {
  readonly id?: unknown;
  readonly choices?: readonly { readonly finish_reason?: unknown }[];
  readonly stop_reason?: unknown;
  readonly status?: unknown;
  readonly usage?: RawUsage | null;
}

/** Usage as OpenAI's chat, OpenAI's responses and Anthropic's messages write it. */
interface RawUsage {
  readonly prompt_tokens?: unknown;
  readonly completion_tokens?: unknown;
  readonly input_tokens?: unknown;
  readonly output_tokens?: unknown;
  readonly cache_read_input_tokens?: unknown;
  readonly cache_creation_input_tokens?: unknown;
  readonly prompt_tokens_details?: { readonly cached_tokens?: unknown } | null;
  readonly input_tokens_details?: { readonly cached_tokens?: unknown } | null;
  readonly completion_tokens_details?: { readonly reasoning_tokens?: unknown } | null;
  readonly output_tokens_details?: { readonly reasoning_tokens?: unknown } | null;
}

function factsOf(answer: Answer): Omit<Observed, "bytes"> {
  const reason = Array.isArray(answer.choices) ? answer.choices[0]?.finish_reason : (answer.stop_reason ?? answer.status);
  return {
    ...(typeof answer.id === "string" && { id: answer.id }),
    ...(typeof reason === "string" && { finishReason: reason }),
    ...(answer.usage !== undefined && answer.usage !== null && { usage: usageOf(answer.usage) }),
  };
}

const ID = /"id":\s?"([^"\\]{1,200})"/;
const REASONS = ['"finish_reason":', '"stop_reason":'];
const QUOTED = /^\s?"([a-z_]{1,40})"/;

/**
 * Searches a stream, or the end of a long answer, for what it says of itself. Within JSON strings quotes are escaped, so that a model's own
 * words cannot be taken for a key. What an answer repeats of its request (a tool's schema) can, and is no usage.
 */
function search(head: string, tail: string): Omit<Observed, "bytes"> {
  const id = ID.exec(head)?.[1];
  const finishReason = reasonIn(tail);
  const last = usageIn(tail);
  // Anthropic counts the prompt in the first event and the answer in the last.
  const first = last !== undefined && last.input_tokens === undefined && last.prompt_tokens === undefined ? usageIn(head) : undefined;
  const usage = last && usageOf({ ...first, ...last });
  return { ...(id !== undefined && { id }), ...(finishReason !== undefined && { finishReason }), ...(usage && { usage }) };
}

function reasonIn(text: string): string | undefined {
  for (const key of REASONS) {
    for (let at = text.lastIndexOf(key), tries = 0; at >= 0 && tries < CANDIDATES_MAX; at = text.lastIndexOf(key, at - 1), tries += 1) {
      const reason = QUOTED.exec(text.slice(at + key.length, at + key.length + 50))?.[1];
      if (reason !== undefined) return reason;
      if (at === 0) break;
    }
  }
  return undefined;
}

const USAGE_KEY = '"usage":';

function usageIn(text: string): RawUsage | undefined {
  for (
    let at = text.lastIndexOf(USAGE_KEY), tries = 0;
    at >= 0 && tries < CANDIDATES_MAX;
    at = text.lastIndexOf(USAGE_KEY, at - 1), tries += 1
  ) {
    const usage = objectAt(text, at + USAGE_KEY.length) as RawUsage | undefined;
    if (usage !== undefined && (isCount(usage.output_tokens) || isCount(usage.input_tokens) || isCount(usage.prompt_tokens))) return usage;
    if (at === 0) break;
  }
  return undefined;
}

/** The JSON object that begins at `start`, if there is a whole one. Usage objects hold no strings with braces. */
function objectAt(text: string, start: number): unknown {
  const open = text[start] === " " ? start + 1 : start;
  if (text[open] !== "{") return undefined;
  let depth = 0;
  for (let index = open; index < text.length; index += 1) {
    if (text[index] === "{") depth += 1;
    else if (text[index] === "}" && (depth -= 1) === 0) return parse(text.slice(open, index + 1));
  }
  return undefined;
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Anthropic counts what it read from and wrote to its cache beside `input_tokens`; OpenAI within. */
function usageOf(usage: RawUsage): { readonly [K in keyof Usage]: number } {
  const cacheRead = count(usage.cache_read_input_tokens);
  const cacheWrite = count(usage.cache_creation_input_tokens);
  const cached = cacheRead || count((usage.prompt_tokens_details ?? usage.input_tokens_details)?.cached_tokens);
  const reasoning = count((usage.completion_tokens_details ?? usage.output_tokens_details)?.reasoning_tokens);
  return {
    inputTokens: count(usage.prompt_tokens ?? usage.input_tokens) + cacheRead + cacheWrite,
    outputTokens: count(usage.completion_tokens ?? usage.output_tokens),
    ...(cached > 0 && { cacheReadTokens: cached }),
    ...(cacheWrite > 0 && { cacheWriteTokens: cacheWrite }),
    ...(reasoning > 0 && { reasoningTokens: reasoning }),
  };
}

function count(value: unknown): number {
  return isCount(value) ? value : 0;
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}
