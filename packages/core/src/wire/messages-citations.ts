import type { Json } from "../json.ts";
import type { Citation } from "../model.ts";

type Fields = { readonly [key: string]: Json };

/** Where a statement comes from. What Anthropic's own numbers would be is not known, so they are the smallest there are. */
export function encodeCitation({ url, title, quote = "" }: Citation): Fields {
  if (url !== undefined) return { type: "web_search_result_location", url, title: title ?? null, cited_text: quote, encrypted_index: "" };
  return {
    type: "char_location",
    cited_text: quote,
    document_index: 0,
    document_title: title ?? null,
    start_char_index: 0,
    end_char_index: quote.length,
    file_id: null,
  };
}

/**
 * A text as blocks, so that every citation stands at the block it is about. `offset` is where the text begins in the whole answer, which
 * places are counted in. A citation without a place of its own, or across another's, stands at the whole of what is left.
 */
export function citedBlocks(text: string, citations: readonly Citation[], offset: number): readonly Fields[] {
  const blocks: Fields[] = [];
  const left = new Set(citations);
  let from = 0;
  for (const { start = -1, end = -1 } of citations.toSorted((one, other) => (one.start ?? 0) - (other.start ?? 0))) {
    const begin = start - offset;
    if (begin < from || end <= start || end - offset > text.length) continue;
    if (begin > from) blocks.push(textBlock(text.slice(from, begin), []));
    from = end - offset;
    const here = citations.filter((item) => item.start === start && item.end === end);
    for (const item of here) left.delete(item);
    blocks.push(textBlock(text.slice(begin, from), here));
  }
  if (from < text.length || left.size > 0) blocks.push(textBlock(text.slice(from), [...left]));
  return blocks;
}

function textBlock(text: string, citations: readonly Citation[]): Fields {
  return { type: "text", text, ...(citations.length > 0 && { citations: citations.map(encodeCitation) }) };
}
