import { createHash } from "node:crypto";
import type { Tool as ForeignTool } from "@modelcontextprotocol/client";
import { canonicalJson, type Json } from "@tutti/core";

/** A tool as it was when a person approved it. */
export interface Pin {
  readonly hash: string;
  readonly tool: Json;
}

/** What of a server was approved, by whom and when. */
export interface Pins {
  readonly tools: Readonly<Record<string, Pin>>;
  readonly approvedBy: string;
  readonly approvedAt: string;
}

/** A tool of a server beside what was approved of it. */
export type PinnedTool =
  | { readonly state: "approved" | "new"; readonly name: string; readonly hash: string; readonly tool: Json }
  | { readonly state: "changed"; readonly name: string; readonly hash: string; readonly tool: Json; readonly was: Json }
  | { readonly state: "gone"; readonly name: string; readonly hash: string; readonly tool: Json };

/**
 * What a model is told of a tool, and what it may pass: all of it is pinned, because each part can carry orders to a model. What only
 * describes the transport is not.
 */
export function pinnedPart({ name, title, description, inputSchema, outputSchema, annotations }: ForeignTool): Json {
  // The library's types for JSON Schema are wider than JSON only because optional keys may be undefined.
  return JSON.parse(JSON.stringify({ name, title, description, inputSchema, outputSchema, annotations })) as Json;
}

/** SHA-256 of a tool's canonical JSON (RFC 8785). Pure. */
export function pinOf(tool: Json): Pin {
  return { hash: createHash("sha256").update(canonicalJson(tool)).digest("hex"), tool };
}

/** Holds what a server lists now against what was approved. Pure. */
export function comparePins(listed: readonly Json[], pins: Pins | undefined): readonly PinnedTool[] {
  const known = pins?.tools ?? {};
  const now = listed.map((tool) => comparePin(tool, known));
  const names = new Set(now.map(({ name }) => name));
  const gone = Object.entries(known).filter(([name]) => !names.has(name));
  return [...now, ...gone.map(([name, { hash, tool }]) => ({ state: "gone" as const, name, hash, tool }))];
}

function comparePin(tool: Json, known: Pins["tools"]): PinnedTool {
  const name = nameOf(tool);
  const { hash } = pinOf(tool);
  const pin = Object.hasOwn(known, name) ? known[name] : undefined;
  if (pin === undefined) return { state: "new", name, hash, tool };
  return pin.hash === hash ? { state: "approved", name, hash, tool } : { state: "changed", name, hash, tool, was: pin.tool };
}

/** The name of a pinned tool. Pure. */
export function nameOf(tool: Json): string {
  return typeof tool === "object" && tool !== null && "name" in tool && typeof tool.name === "string" ? tool.name : "";
}
