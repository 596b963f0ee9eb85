import type { Json, Tool } from "@tutti/core";
import { nameOf } from "./pins.ts";
import type { ServerSpec } from "./server-spec.ts";

/** How a foreign tool is called. */
export interface ForeignCall {
  readonly spec: ServerSpec;
  readonly maxMs: number;
  readonly call: Tool["run"];
}

/**
 * A server's tool as one of Tutti's. What it says of itself (`readOnlyHint` and its kin) is a stranger's word: it counts only for a server
 * that is trusted, and otherwise a tool writes and is never called twice by itself.
 */
export function foreignTool(pinned: Json, { spec, maxMs, call }: ForeignCall): Tool {
  const tool = asObject(pinned);
  const hints = spec.isTrusted ? asObject(tool["annotations"]) : {};
  const name = nameOf(pinned);
  const effect = spec.effects[name] ?? (hints["readOnlyHint"] === true ? "read" : "write");
  const output = asObject(tool["outputSchema"]);
  return {
    name,
    description: [tool["description"], tool["title"]].find((text) => typeof text === "string") ?? name,
    effect,
    parameters: tool["inputSchema"] ?? { type: "object" },
    ...(output["type"] === "object" && { output }),
    isIdempotent: effect === "read" || hints["idempotentHint"] === true,
    isUntrusted: !spec.isTrusted,
    timeoutMs: maxMs,
    run: call,
  };
}

function asObject(value: Json | undefined): { readonly [key: string]: Json } {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as { readonly [key: string]: Json }) : {};
}
