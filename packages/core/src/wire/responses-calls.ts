import type { Json } from "../json.ts";
import { isObject, parseArguments, type JsonObject } from "./shape.ts";
import type { ToolShape } from "./responses-tools.ts";

/** A tool call as it goes out: what the model wrote as its arguments, and how far it is. */
export interface OutgoingCall {
  readonly itemId: string;
  readonly callId: string;
  readonly arguments: string;
  readonly status: "in_progress" | "completed" | "incomplete";
}

/** A tool call as an output item, in the shape that the client declared the tool in. */
export function encodeCallItem(shape: ToolShape, call: OutgoingCall): { readonly [key: string]: Json } {
  const { itemId: id, callId: call_id, status } = call;
  switch (shape.type) {
    case "function":
      return { id, type: "function_call", status, arguments: call.arguments, call_id, name: shape.name, ...namespaceOf(shape) };
    case "custom":
      return { id, type: "custom_tool_call", status, call_id, input: customInput(call.arguments), name: shape.name, ...namespaceOf(shape) };
    case "local_shell":
      return { id, type: "local_shell_call", status, call_id, action: localShellAction(argumentsOf(call)) };
    case "shell":
      return { id, type: "shell_call", status, call_id, action: shellAction(argumentsOf(call)), environment: { type: "local" } };
    case "tool_search":
      return { id, type: "tool_search_call", status, call_id, execution: "client", arguments: argumentsOf(call) as Json };
    case "apply_patch":
      return {
        id,
        type: "apply_patch_call",
        status: status === "incomplete" ? "in_progress" : status,
        call_id,
        operation: patch(argumentsOf(call)),
      };
  }
}

/** The prefix of a call item's id, as OpenAI's have it. */
export function callPrefix(shape: ToolShape): string {
  switch (shape.type) {
    case "function":
      return "fc_";
    case "custom":
      return "ctc_";
    case "local_shell":
      return "lsh_";
    case "shell":
      return "sh_";
    case "apply_patch":
      return "apc_";
    case "tool_search":
      return "tsc_";
  }
}

/** The text a model meant for a custom tool; one that forgot to wrap it gave the text itself. */
export function customInput(text: string): string {
  const value = parseArguments(text);
  if (!isObject(value)) return text;
  return typeof value.input === "string" ? value.input : text === "" ? "" : JSON.stringify(value.input ?? value);
}

function namespaceOf(shape: { readonly namespace?: string }): { readonly namespace?: string } {
  return shape.namespace === undefined ? {} : { namespace: shape.namespace };
}

function argumentsOf(call: OutgoingCall): JsonObject {
  const value = parseArguments(call.arguments);
  return isObject(value) ? value : {};
}

function localShellAction(input: JsonObject): Json {
  const { command } = input;
  return {
    type: "exec",
    command: typeof command === "string" ? ["bash", "-lc", command] : strings(command),
    env: isObject(input.env) ? Object.fromEntries(Object.entries(input.env).map(([name, value]) => [name, String(value)])) : {},
    timeout_ms: numberOr(input.timeout_ms, null),
    working_directory: typeof input.working_directory === "string" ? input.working_directory : null,
    user: typeof input.user === "string" ? input.user : null,
  };
}

function shellAction(input: JsonObject): Json {
  return {
    commands: typeof input.commands === "string" ? [input.commands] : strings(input.commands),
    timeout_ms: numberOr(input.timeout_ms, null),
    max_output_length: numberOr(input.max_output_length, null),
  };
}

function patch(input: JsonObject): Json {
  const path = typeof input.path === "string" ? input.path : "";
  if (input.type === "delete_file") return { type: "delete_file", path };
  return {
    type: input.type === "create_file" ? "create_file" : "update_file",
    path,
    diff: typeof input.diff === "string" ? input.diff : "",
  };
}

function strings(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.map(String) : [];
}

function numberOr<T>(value: unknown, other: T): number | T {
  return typeof value === "number" ? value : other;
}
