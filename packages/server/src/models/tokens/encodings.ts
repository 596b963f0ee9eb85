import { setImmediate } from "node:timers/promises";

/** The vocabularies that are counted with; both are OpenAI's, and published. */
export type EncodingName = "o200k_base" | "cl100k_base";

/** The tokens of a text that is not long and has no long runs. */
type Count = (text: string) => number;

/** Tokens; `isExact` unless the text was sampled or cut within a run. */
interface Counted {
  readonly tokens: number;
  readonly isExact: boolean;
}

/** Longer runs without a break are cut: merging takes time in the square of a run's length. Each cut adds at most one token. */
const RUN_CHARS_MAX = 64;
/** Long runs are merged so often in one count; what is left of them is taken to be like what was merged. */
const CUTS_MAX = 150;
/** Merged runs are remembered, as slices that keep their whole text alive; so they are forgotten after so many characters. */
const REMEMBERED_CHARS_MAX = 2_000_000;
const REMEMBERED_RUNS_MAX = 10_000;
/** What one turn of the event loop counts: a few milliseconds' worth. */
const TURN_CHARS_MAX = 16_384;
/** A longer text is not counted at once but in samples, unless the caller can wait. */
const EXACT_CHARS_MAX = 4 * TURN_CHARS_MAX;
const SAMPLES = 8;

const loading = new Map<EncodingName, Promise<void>>();
const loaded = new Map<EncodingName, Count>();

/** Loads a vocabulary. It takes 0.1 to 0.3 s and 50 to 80 MB, once in a process, so nobody pays who never counts. */
export function loadEncoding(name: EncodingName): Promise<void> {
  const under = loading.get(name) ?? read(name);
  loading.set(name, under);
  return under;
}

async function read(name: EncodingName): Promise<void> {
  const { countTokens, clearMergeCache, setMergeCacheSize } = await (name === "o200k_base"
    ? import("gpt-tokenizer/encoding/o200k_base")
    : import("gpt-tokenizer/encoding/cl100k_base"));
  setMergeCacheSize(REMEMBERED_RUNS_MAX);
  // What looks like a special token in a text is text: providers encode it so, and it must not throw.
  const asText = { allowedSpecial: new Set<string>(), disallowedSpecial: new Set<string>() };
  let remembered = 0;
  loaded.set(name, (text) => {
    remembered += text.length;
    if (remembered > REMEMBERED_CHARS_MAX) {
      clearMergeCache();
      remembered = text.length;
    }
    return countTokens(text, asText);
  });
}

/** A text's tokens, or `undefined` before the vocabulary is there. Long texts are sampled: see `isExact`. */
export function countWith(name: EncodingName, text: string): Counted | undefined {
  const count = loaded.get(name);
  if (count === undefined) return undefined;
  if (text.length <= EXACT_CHARS_MAX) return countRuns(count, text);
  let [tokens, characters] = [0, 0];
  for (let sample = 0; sample < SAMPLES; sample += 1) {
    const start = Math.floor((sample * (text.length - EXACT_CHARS_MAX / SAMPLES)) / (SAMPLES - 1));
    const piece = text.slice(start, start + EXACT_CHARS_MAX / SAMPLES);
    tokens += countRuns(count, piece).tokens;
    characters += piece.length;
  }
  return { tokens: Math.ceil((tokens * text.length) / characters), isExact: false };
}

/** Every token of a text of any length; other work of the process goes on in between. */
export async function countWhole(name: EncodingName, text: string, signal: AbortSignal): Promise<number> {
  await loadEncoding(name);
  const count = loaded.get(name);
  let tokens = 0;
  for (let start = 0; start < text.length && count !== undefined;) {
    const end = cutBefore(text, Math.min(text.length, start + TURN_CHARS_MAX));
    tokens += countRuns(count, text.slice(start, end)).tokens;
    start = end;
    if (start < text.length) await setImmediate(undefined, { signal });
  }
  return tokens;
}

/** The nearest place at or before `end` where a word begins: every vocabulary breaks there by itself, so that the sum is exact. */
function cutBefore(text: string, end: number): number {
  if (end === text.length) return end;
  for (let index = end; index > end - RUN_CHARS_MAX; index -= 1) {
    if (text[index] === " " && isLetter(text.charCodeAt(index + 1)) && isLetter(text.charCodeAt(index - 1))) return index;
  }
  return isHighSurrogate(text.charCodeAt(end - 1)) ? end - 1 : end;
}

function isLetter(code: number): boolean {
  return (code >= 97 && code <= 122) || (code >= 65 && code <= 90);
}

function isHighSurrogate(code: number): boolean {
  return code >= 0xd8_00 && code < 0xdc_00;
}

function countRuns(count: Count, text: string): Counted {
  if (!hasLongRun(text)) return { tokens: count(text), isExact: true };
  let [tokens, start] = [0, 0];
  const merged = { cuts: 0, tokens: 0, characters: 0 };
  for (const { 0: run, index } of text.matchAll(RUNS)) {
    if (run.length <= RUN_CHARS_MAX) continue;
    tokens += count(text.slice(start, index)) + countLongRun(count, run, merged);
    start = index + run.length;
  }
  return { tokens: tokens + count(text.slice(start)), isExact: start === 0 };
}

/** What long runs of one text came to so far. */
interface Merged {
  cuts: number;
  tokens: number;
  characters: number;
}

function countLongRun(count: Count, run: string, merged: Merged): number {
  let tokens = 0;
  for (let at = 0; at < run.length; at += RUN_CHARS_MAX) {
    if (merged.cuts >= CUTS_MAX) return tokens + Math.ceil(((run.length - at) * merged.tokens) / merged.characters);
    const piece = run.slice(at, at + RUN_CHARS_MAX);
    const found = count(piece);
    merged.cuts += 1;
    merged.tokens += found;
    merged.characters += piece.length;
    tokens += found;
  }
  return tokens;
}

/** What a vocabulary's own pattern never breaks: letters, digits, marks and signs, or white space. */
const RUNS = /[\p{L}\p{M}]+|\p{N}+|[^\s\p{L}\p{M}\p{N}]+|\s+/gu;

/** Whether something may be longer than a run: no change between white space and the rest for as many characters. */
function hasLongRun(text: string): boolean {
  if (text.length <= RUN_CHARS_MAX) return false;
  let start = 0;
  let wasSpace = false;
  for (let index = 0; index < text.length; index += 1) {
    const isSpace = text.charCodeAt(index) <= 32;
    if (isSpace !== wasSpace) start = index;
    else if (index - start >= RUN_CHARS_MAX) return true;
    wasSpace = isSpace;
  }
  return false;
}
