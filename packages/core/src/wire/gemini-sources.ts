import type { Citation } from "../model.ts";
import { countAt, objectsAt, textAt } from "./messages-reader.ts";
import { isObject, type JsonObject } from "./shape.ts";

const CITATIONS_MAX = 1_024;

/** What an answer rests on: the pages it was grounded in, and what it quotes. Google counts places in bytes of UTF-8. */
export function geminiCitations(sources: JsonObject, text: string): readonly Citation[] {
  const place = new Places(text);
  return [...grounding(sources.groundingMetadata, place), ...quotations(sources.citationMetadata, place)].slice(0, CITATIONS_MAX);
}

function grounding(metadata: unknown, place: Places): readonly Citation[] {
  if (!isObject(metadata)) return [];
  const pages = objectsAt(metadata.groundingChunks).map((chunk) => page(chunk.web ?? chunk.retrievedContext ?? chunk.maps));
  const supports = objectsAt(metadata.groundingSupports);
  if (supports.length === 0) return pages.filter(({ url }) => url !== undefined);
  return supports.flatMap(({ segment, groundingChunkIndices: indices }) => {
    const from = isObject(segment) ? place.of(segment) : {};
    const chosen: readonly unknown[] = Array.isArray(indices) ? indices : [];
    return chosen.flatMap((index) => {
      const found = typeof index === "number" ? pages[index] : undefined;
      return found === undefined ? [] : [{ ...found, ...from }];
    });
  });
}

function quotations(metadata: unknown, place: Places): readonly Citation[] {
  if (!isObject(metadata)) return [];
  const items = objectsAt(metadata.citationSources ?? metadata.citations);
  return items.map((item) => ({ ...page(item), ...place.of(item) }));
}

function page(value: unknown): Citation {
  const { uri, title } = isObject(value) ? value : {};
  return { ...(textAt(uri) !== "" && { url: textAt(uri) }), ...(textAt(title) !== "" && { title: textAt(title) }) };
}

/** Turns places in bytes into places in characters, as JavaScript counts them. */
class Places {
  readonly #text: string;
  /** How far was counted last; places come mostly in order. */
  #bytes = 0;
  #index = 0;

  constructor(text: string) {
    this.#text = text;
  }

  of({ startIndex, endIndex }: JsonObject): Pick<Citation, "start" | "end"> {
    if (endIndex === undefined) return {};
    return { start: this.#at(countAt(startIndex)), end: this.#at(countAt(endIndex)) };
  }

  #at(bytes: number): number {
    if (bytes < this.#bytes) {
      this.#bytes = 0;
      this.#index = 0;
    }
    while (this.#index < this.#text.length && this.#bytes < bytes) {
      const code = this.#text.codePointAt(this.#index) ?? 0;
      this.#bytes += bytesOf(code);
      this.#index += code < 0x1_00_00 ? 1 : 2;
    }
    return this.#index;
  }
}

function bytesOf(code: number): number {
  if (code < 0x80) return 1;
  if (code < 0x8_00) return 2;
  return code < 0x1_00_00 ? 3 : 4;
}
