import type { CallToolResult, ReadResourceResult } from "@modelcontextprotocol/client";
import { AppError, type Json } from "@tutti/core";

/** What a server gave, as any tool of Tutti's gives it: its structure where it promised one, else its text and what else there was. Pure. */
export function outputOf(result: CallToolResult, where: { readonly tool: string; readonly hasSchema: boolean }): Json {
  const text = textOf(result);
  if (result.isError === true)
    throw new AppError("invalid_output", `the tool "${where.tool}" says it failed: ${text === "" ? "it gave no reason" : text}`);
  if (where.hasSchema && result.structuredContent !== undefined) return toJson(result.structuredContent);
  const others = result.content.filter(({ type }) => type !== "text");
  return others.length === 0 ? { text } : { text, content: toJson(others) };
}

/** What a resource holds. Pure. */
export function contentsOf({ contents }: ReadResourceResult): Json {
  return { contents: toJson(contents) };
}

function textOf({ content }: CallToolResult): string {
  return content.flatMap((block) => (block.type === "text" ? [block.text] : [])).join("\n");
}

function toJson(value: unknown): Json {
  return JSON.parse(JSON.stringify(value)) as Json;
}
