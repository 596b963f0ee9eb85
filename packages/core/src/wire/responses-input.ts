import type { ContentPart, Message, ReasoningPart, ToolCall } from "../model.ts";
import { contentOf, decodeContent, type Content } from "./responses-media.ts";
import { openSignature, openSummary } from "./responses-secrets.ts";
import { flatName } from "./responses-tools.ts";
import { arrayAt, isObject, misfit, objectAt, parseArguments, stringAt, unsupported, type JsonObject } from "./shape.ts";

/** What OpenAI's own tools left in a conversation: the messages after them say what was found. */
const LEFT_OUT: ReadonlySet<unknown> = new Set(["web_search_call", "file_search_call", "additional_tools", "mcp_list_tools"]);

/**
 * The input of a request as the turns of a conversation. What a model did between two inputs (thoughts, texts, calls), which are items of
 * their own in this format, is one turn.
 */
export function decodeInput(value: unknown): readonly Message[] {
  if (value === undefined || value === null) return [];
  if (typeof value === "string") return [{ role: "user", content: value }];
  const turns = new Turns();
  for (const [index, item] of arrayAt(value, "input").entries()) addItem(turns, objectAt(item, `input[${index}]`), `input[${index}]`);
  return turns.end();
}

/** The turns so far, and the model's that is not over. */
class Turns {
  readonly #messages: Message[] = [];
  readonly #callIds = new Set<string>();
  #parts: ContentPart[] = [];
  #calls: ToolCall[] = [];

  /** A piece of what the model said. */
  said(parts: readonly ContentPart[]): void {
    this.#parts.push(...parts);
  }

  called(call: ToolCall): void {
    this.#calls.push(call);
    this.#callIds.add(call.id);
  }

  /** What a tool returned. Providers refuse results that nobody asked for, each in words of its own. */
  returned(callId: string, content: Content, path: string): void {
    if (!this.#callIds.has(callId)) throw misfit(`${path}.call_id`, "the call_id of a tool call that stands before it", callId);
    this.add({ role: "tool", ...content, callId });
  }

  add(message: Message): void {
    this.#flush();
    this.#messages.push(message);
  }

  end(): readonly Message[] {
    this.#flush();
    return this.#messages;
  }

  #flush(): void {
    if (this.#parts.length > 0 || this.#calls.length > 0)
      this.#messages.push({ role: "assistant", ...contentOf(this.#parts), ...(this.#calls.length > 0 && { calls: this.#calls }) });
    this.#parts = [];
    this.#calls = [];
  }
}

function addItem(turns: Turns, item: JsonObject, path: string): void {
  const { type } = item;
  switch (type) {
    case undefined:
    case "message":
      if (type === undefined && item.role === undefined && item.id !== undefined) throw reference(path, item.id);
      addMessage(turns, item, path);
      return;
    case "reasoning":
      turns.said(decodeReasoning(item, path));
      return;
    case "function_call":
      turns.called({
        id: stringAt(item.call_id, `${path}.call_id`),
        name: flatName(stringAt(item.name, `${path}.name`), item.namespace),
        input: parseArguments(stringAt(item.arguments, `${path}.arguments`)),
      });
      return;
    case "custom_tool_call":
      turns.called({
        id: stringAt(item.call_id, `${path}.call_id`),
        name: flatName(stringAt(item.name, `${path}.name`), item.namespace),
        input: { input: stringAt(item.input, `${path}.input`) },
      });
      return;
    case "function_call_output":
    case "custom_tool_call_output":
      turns.returned(stringAt(item.call_id, `${path}.call_id`), decodeContent(item.output, `${path}.output`), path);
      return;
    case "compaction":
    case "compaction_summary":
      turns.add({ role: "user", content: decodeSummary(item.encrypted_content, `${path}.encrypted_content`) });
      return;
    case "tool_search_call":
      if (typeof item.call_id === "string")
        turns.called({ id: item.call_id, name: "tool_search", input: objectAt(item.arguments, `${path}.arguments`) as ToolCall["input"] });
      return;
    case "tool_search_output":
      // Searches that OpenAI ran itself have no call to answer; what they found are tools from then on.
      if (typeof item.call_id === "string") turns.returned(item.call_id, { content: foundTools(item.tools) }, path);
      return;
    case "item_reference":
      throw reference(path, item.id);
    default:
      if (LEFT_OUT.has(type)) return;
      if (!addShellItem(turns, item, path)) throw unsupported(`${path}.type`, "an item that every model can read", type);
  }
}

function addMessage(turns: Turns, item: JsonObject, path: string): void {
  const content = decodeContent(item.content, `${path}.content`);
  switch (item.role) {
    case "user":
      turns.add({ role: "user", ...content });
      return;
    case "system":
    case "developer":
      turns.add({ role: "system", ...content });
      return;
    case "assistant":
      turns.said(content.parts ?? [{ type: "text", text: content.content }]);
      return;
    default:
      throw misfit(`${path}.role`, `"user", "assistant", "system" or "developer"`, item.role);
  }
}

/** Calls and results of the tools that the client runs by OpenAI's own item types. `false`: it is none of them. */
function addShellItem(turns: Turns, item: JsonObject, path: string): boolean {
  const callId = (): string => stringAt(item.call_id ?? item.id, `${path}.call_id`);
  switch (item.type) {
    case "local_shell_call":
    case "shell_call": {
      const { type: _type, ...action } = objectAt(item.action, `${path}.action`);
      turns.called({ id: callId(), name: item.type === "shell_call" ? "shell" : "local_shell", input: action as ToolCall["input"] });
      return true;
    }
    case "apply_patch_call":
      turns.called({ id: callId(), name: "apply_patch", input: objectAt(item.operation, `${path}.operation`) as ToolCall["input"] });
      return true;
    case "local_shell_call_output":
      turns.returned(callId(), { content: stringAt(item.output, `${path}.output`) }, path);
      return true;
    case "shell_call_output":
      turns.returned(callId(), { content: JSON.stringify(arrayAt(item.output, `${path}.output`)) }, path);
      return true;
    case "apply_patch_call_output": {
      const output = stringAt(item.output ?? "", `${path}.output`);
      turns.returned(callId(), { content: output === "" ? stringAt(item.status, `${path}.status`) : output }, path);
      return true;
    }
    default:
      return false;
  }
}

function decodeReasoning(item: JsonObject, path: string): readonly ReasoningPart[] {
  const text = (thoughtText(item.content) || thoughtText(item.summary)).trim();
  const secret = item.encrypted_content;
  const id = typeof item.id === "string" ? { id: item.id } : {};
  if (secret === undefined || secret === null) return text === "" ? [] : [{ type: "reasoning", text, ...id }];
  return [{ type: "reasoning", text, ...id, ...openSignature(stringAt(secret, `${path}.encrypted_content`)) }];
}

/** The texts of a thought's parts, as paragraphs. */
export function thoughtText(parts: unknown): string {
  if (!Array.isArray(parts)) return "";
  return parts.flatMap((part: unknown) => (isObject(part) && typeof part.text === "string" ? [part.text] : [])).join("\n\n");
}

function foundTools(tools: unknown): string {
  const names = Array.isArray(tools) ? tools.flatMap((tool: unknown) => (isObject(tool) ? [tool.name] : [])) : [];
  return JSON.stringify({ found: names });
}

function decodeSummary(value: unknown, path: string): string {
  const summary = openSummary(stringAt(value, path));
  if (summary === undefined) throw unsupported(path, "a compaction that this server made", "another's, which only its maker can read");
  return summary;
}

function reference(path: string, id: unknown): Error {
  return misfit(`${path}.id`, "the id of an item that is kept here", id);
}
