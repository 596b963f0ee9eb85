import type { Json } from "@tutti/core";
import type { ContentPart, Message, ModelRequest, OutputFormat, ToolCall, ToolSpec } from "@tutti/core/model";
import { mediaWithText } from "./guarded-media.ts";

/** What a guard makes of a text. `isSaid`: it is the text of a turn, and not a name or a field beside it. */
export type Change = (text: string, where: "input" | "tool-result", isSaid: boolean) => string;

/** The request with every text of it changed that a model may read; the same object where none is. */
export function withTexts(request: ModelRequest, change: Change): ModelRequest {
  const beside = (text: string): string => change(text, "input", false);
  const { tools, toolChoice, format, sampling, user } = request;
  return patched(request, {
    messages: mapped(request.messages, (message) => withText(message, change)),
    tools: tools && mapped(tools, (tool) => toolWithTexts(tool, beside)),
    toolChoice: typeof toolChoice === "object" ? patched(toolChoice, { name: beside(toolChoice.name) }) : toolChoice,
    format: format && formatWithTexts(format, beside),
    sampling: sampling && patched(sampling, { stop: sampling.stop && mapped(sampling.stop, beside) }),
    user: user && beside(user),
  });
}

function toolWithTexts(tool: ToolSpec, change: (text: string) => string): ToolSpec {
  const { name, description, parameters } = tool;
  return patched(tool, { name: change(name), description: change(description), parameters: mapTexts(parameters, change) });
}

function formatWithTexts(format: OutputFormat, change: (text: string) => string): OutputFormat {
  if (format.type === "json") return format;
  const { name, description, schema } = format;
  return patched(format, { name: change(name), description: description && change(description), schema: mapTexts(schema, change) });
}

function withText(message: Message, change: Change): Message {
  const where = message.role === "tool" ? "tool-result" : "input";
  const said = (text: string): string => change(text, where, true);
  const beside = (text: string): string => change(text, where, false);
  const parts = message.parts && mapped(message.parts, (part) => partWithText(part, { said, beside }));
  const content =
    parts === undefined
      ? said(message.content)
      : parts.map((part) => (part.type === "text" || part.type === "refusal" ? part.text : "")).join("");
  return patched(message, { parts, content, calls: message.calls && mapped(message.calls, (call) => callWithTexts(call, beside)) });
}

function callWithTexts(call: ToolCall, change: (text: string) => string): ToolCall {
  return patched(call, { name: change(call.name), input: mapTexts(call.input, change) });
}

type Changes = Readonly<Record<"said" | "beside", (text: string) => string>>;

function partWithText(part: ContentPart, { said, beside }: Changes): ContentPart {
  switch (part.type) {
    case "text": {
      const citations = part.citations && mapped(part.citations, (citation) => mapTexts(citation as Json, beside) as typeof citation);
      return patched(part, { text: said(part.text), citations });
    }
    case "refusal":
      return patched(part, { text: said(part.text) });
    case "reasoning": {
      const text = said(part.text);
      // A signature counts for the thought as it was.
      const { signature: _, ...unsigned } = part;
      return text === part.text ? part : { ...unsigned, text };
    }
    case "image":
      return patched(part, { media: mediaWithText(part.media, beside) });
    case "audio":
      return patched(part, { media: mediaWithText(part.media, beside), transcript: part.transcript && said(part.transcript) });
    case "file":
      return patched(part, { media: mediaWithText(part.media, beside), name: part.name && beside(part.name) });
  }
}

/** A JSON value with its strings changed, keys and whole numbers among them; the same value where none is. */
export function mapTexts(value: Json, change: (text: string) => string): Json {
  if (typeof value === "string") return change(value);
  if (typeof value === "number") {
    const changed = Number.isInteger(value) ? change(String(value)) : undefined;
    return changed === undefined || changed === String(value) ? value : changed;
  }
  if (typeof value !== "object" || value === null) return value;
  const inner = (item: Json): Json => mapTexts(item, change);
  if (Array.isArray(value)) return mapped(value as readonly Json[], inner);
  const entries = Object.entries(value as { readonly [key: string]: Json });
  const changed = entries.map(([key, item]): [string, Json] => [change(key), inner(item)]);
  return changed.every(([key, item], index) => key === entries[index]?.[0] && item === entries[index]?.[1])
    ? value
    : Object.fromEntries(apart(changed));
}

/** Keys that have become the same stay several. */
function apart(entries: readonly (readonly [key: string, item: Json])[]): readonly (readonly [key: string, item: Json])[] {
  const taken = new Map<string, number>();
  return entries.map(([key, item]) => {
    const times = (taken.get(key) ?? 0) + 1;
    taken.set(key, times);
    return [times === 1 ? key : `${key} ${times}`, item];
  });
}

/** The items, each changed; the same array where none is. */
function mapped<T>(items: readonly T[], change: (item: T) => T): readonly T[] {
  const changed = items.map(change);
  return changed.every((item, index) => item === items[index]) ? items : changed;
}

/** The value with these fields; the same object where they are as they were. */
function patched<T extends object>(value: T, fields: { readonly [K in keyof T]?: T[K] | undefined }): T {
  const changed = Object.entries(fields).filter(([key, field]) => field !== undefined && field !== value[key as keyof T]);
  return changed.length === 0 ? value : { ...value, ...Object.fromEntries(changed) };
}
