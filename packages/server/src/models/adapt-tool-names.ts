import { hash } from "node:crypto";
import type { Message, ModelPart, ModelRequest } from "@tutti/core/model";

/** What OpenAI and most of its relatives take as the name of a tool. Tools of MCP servers are often called otherwise. */
const FITTING = /^[\w-]{1,64}$/;
const SHORTENED_CHARS_MAX = 55;
const DIGEST_CHARS = 8;

/** A request whose tools have names that fit, and the way back: parts of the answer call them as the request did. */
export interface Renamed {
  readonly request: ModelRequest;
  restore(part: ModelPart): ModelPart;
}

/** Gives tools other names where theirs do not fit; `undefined` where all do, as nearly always. */
export function fitToolNames(request: ModelRequest): Renamed | undefined {
  const names = new Set(namesIn(request));
  const other = new Map([...names].filter((name) => !FITTING.test(name)).map((name) => [name, fitting(name)]));
  if (other.size === 0) return undefined;
  const back = new Map([...other].map(([name, given]) => [given, name]));
  const { toolChoice } = request;
  const rename = (name: string): string => other.get(name) ?? name;
  return {
    request: {
      ...request,
      messages: request.messages.map((message) => renameCalls(message, rename)),
      ...(request.tools !== undefined && { tools: request.tools.map((tool) => ({ ...tool, name: rename(tool.name) })) }),
      ...(typeof toolChoice === "object" && { toolChoice: { name: rename(toolChoice.name) } }),
    },
    restore(part) {
      if (part.type === "call.delta") return { ...part, name: back.get(part.name) ?? part.name };
      return part.type === "call" ? { ...part, call: { ...part.call, name: back.get(part.call.name) ?? part.call.name } } : part;
    },
  };
}

function* namesIn({ tools = [], messages }: ModelRequest): Generator<string> {
  for (const { name } of tools) yield name;
  for (const { calls = [] } of messages) for (const { name } of calls) yield name;
}

/** The digest keeps names apart that begin alike. */
function fitting(name: string): string {
  const readable = name.replaceAll(/[^\w-]/g, "_").slice(0, SHORTENED_CHARS_MAX);
  return `${readable}_${hash("sha256", name, "hex").slice(0, DIGEST_CHARS)}`;
}

function renameCalls(message: Message, rename: (name: string) => string): Message {
  const { calls } = message;
  return calls === undefined ? message : { ...message, calls: calls.map((call) => ({ ...call, name: rename(call.name) })) };
}
