import type { CallToolResult, ContentBlock } from "@modelcontextprotocol/server";
import { redactText, type AppError, type Json } from "@tutti/core";

const BLOCK_TYPES: ReadonlySet<unknown> = new Set(["image", "audio", "resource", "resource_link"]);

/** What a run gave, as a client reads it: as text, as structure where it is one, and with the run that proves it. Pure. */
export function resultOf(output: Json, runId: string): CallToolResult {
  const object = isObject(output) ? output : undefined;
  const reply = object?.["reply"];
  const said = isObject(reply) ? reply["content"] : object?.["text"];
  const blocks = blocksIn(object?.["content"]);
  const text = typeof said === "string" && (isObject(reply) || blocks.length > 0) ? said : JSON.stringify(output);
  return {
    content: [{ type: "text", text }, ...blocks],
    ...(object !== undefined && { structuredContent: object as Record<string, unknown> }),
    _meta: metaOf(runId),
  };
}

/** A run that failed or was refused: an outcome that a model can read, no fault of the protocol. Pure. */
export function failureOf({ code, message }: AppError, runId?: string): CallToolResult {
  const said = code === "internal" ? "something went wrong inside; the log has the details" : redactText(message);
  return { isError: true, content: [{ type: "text", text: `${code}: ${said}` }], ...(runId !== undefined && { _meta: metaOf(runId) }) };
}

/** Where the receipt is. Pure. */
function metaOf(runId: string): Record<string, unknown> {
  return { "tutti/run": runId, "tutti/receipt": `tutti://runs/${runId}/receipt` };
}

/** Pictures, sounds and resources that a tool gave beside its text. */
function blocksIn(content: Json | undefined): ContentBlock[] {
  if (!Array.isArray(content)) return [];
  const blocks = content.filter((block) => isObject(block) && BLOCK_TYPES.has(block["type"]));
  return blocks as unknown as ContentBlock[];
}

function isObject(value: Json | undefined): value is { readonly [key: string]: Json } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
