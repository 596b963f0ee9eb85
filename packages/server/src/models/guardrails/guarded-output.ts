import type { Citation, ModelPart, ReasoningPart } from "@tutti/core/model";
import { mapTexts } from "./guarded-texts.ts";
import { filtered, type TextFilter } from "./text-filter.ts";

/** What happens to an answer's texts on their way. `changed` is called when something is replaced. */
export interface OutputFilters {
  readonly text: (changed: () => void) => TextFilter;
  readonly thoughts: (changed: () => void) => TextFilter;
  /** A new filter for the strings of tool calls; `undefined`: calls go on as they come. */
  readonly calls: (() => TextFilter) | undefined;
  /** Whether the answer has been cut off. */
  readonly isCut: () => boolean;
}

type TextPart = Extract<ModelPart, { type: "text" | "refusal" | "reasoning" }>;

/** An answer through its filters, in the order in which it comes. What is held of a text goes on before anything else does. */
export async function* guardOutput(parts: AsyncIterable<ModelPart>, filters: OutputFilters): AsyncGenerator<ModelPart, void, undefined> {
  const changed = { text: false, thoughts: false };
  const text = filters.text(() => (changed.text = true));
  const thoughts = filters.thoughts(() => (changed.thoughts = true));
  let current: TextPart | undefined;
  for await (const part of parts) {
    if (current !== undefined && !isSameText(current, part)) {
      const rest = (current.type === "reasoning" ? thoughts : text).finish();
      if (rest !== "") yield { ...unsigned(current), text: rest };
      current = undefined;
    }
    if (isText(part)) {
      const out = part.type === "reasoning" ? thought(thoughts, part) : text.push(part.text);
      if (out !== "" || part.text === "") yield { ...(changed.thoughts ? unsigned(part) : part), text: out };
      current = part;
    } else {
      const other = otherPart(part, filters, changed.text);
      if (other !== undefined) yield other;
    }
  }
}

function isText(part: ModelPart): part is TextPart {
  return part.type === "text" || part.type === "refusal" || part.type === "reasoning";
}

/** A thought's signature comes with its end, and counts for the thought as it was. */
function thought(filter: TextFilter, { text, signature }: ReasoningPart): string {
  return filter.push(text) + (signature === undefined ? "" : filter.finish());
}

/** Whether a part goes on with a text, so that something may stand half in each. */
function isSameText(current: TextPart, part: ModelPart): boolean {
  return part.type === current.type && (part.type !== "reasoning" || part.id === (current as ReasoningPart).id);
}

function unsigned(part: TextPart): TextPart {
  if (part.type !== "reasoning") return part;
  const { signature: _, ...rest } = part;
  return rest;
}

function otherPart(part: Exclude<ModelPart, TextPart>, { calls, isCut }: OutputFilters, isChanged: boolean): ModelPart | undefined {
  switch (part.type) {
    case "call.delta":
      // The whole call follows; its pieces could hold half of what must not go out.
      return calls === undefined ? part : undefined;
    case "call":
      return calls === undefined
        ? part
        : { ...part, call: { ...part.call, input: mapTexts(part.call.input, (text) => filtered(calls(), text)) } };
    case "citation":
      return isChanged ? { ...part, citation: withoutPlace(part.citation) } : part;
    case "finish":
      return isCut() && part.reason === "stop" ? { ...part, reason: "length" } : part;
    case "audio":
    case "image":
      return part;
  }
}

/** The text it counts characters of is not the same any more. */
function withoutPlace({ start: _start, end: _end, ...citation }: Citation): Citation {
  return citation;
}
