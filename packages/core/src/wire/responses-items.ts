import type { Json } from "../json.ts";
import type { Citation } from "../model.ts";
import { encodeCallItem } from "./responses-calls.ts";
import type { ToolShape } from "./responses-tools.ts";
import { encodeCitations } from "./responses-media.ts";

type Status = "in_progress" | "completed" | "incomplete";

/** A piece of a message: text with what it cites, or a refusal. */
export interface MessagePiece {
  readonly type: "output_text" | "refusal";
  text: string;
  readonly citations: Citation[];
}

/** An output item while it is written. `index` is its place in the output. */
export type OpenItem =
  | { readonly type: "message"; readonly id: string; readonly index: number; readonly pieces: MessagePiece[] }
  | {
      readonly type: "reasoning";
      readonly id: string;
      readonly index: number;
      text: string;
      secret: string | undefined;
      readonly isSummary: boolean;
    }
  | {
      readonly type: "call";
      readonly id: string;
      readonly index: number;
      readonly callId: string;
      readonly shape: ToolShape;
      arguments: string;
    };

/** An item as the client sees it now. */
export function encodeItem(item: OpenItem, status: Status): Json {
  switch (item.type) {
    case "message":
      return { id: item.id, type: "message", status, role: "assistant", content: item.pieces.map(encodePiece) };
    case "reasoning":
      return encodeReasoning(item, status);
    case "call":
      return encodeCallItem(item.shape, { itemId: item.id, callId: item.callId, arguments: item.arguments, status });
  }
}

/** A message's piece as a content part. */
export function encodePiece(piece: MessagePiece): Json {
  if (piece.type === "refusal") return { type: "refusal", refusal: piece.text };
  return { type: "output_text", text: piece.text, annotations: encodeCitations(piece.citations, piece.text.length), logprobs: [] };
}

function encodeReasoning(item: Extract<OpenItem, { type: "reasoning" }>, status: Status): Json {
  const { id, text, isSummary, secret } = item;
  return {
    id,
    type: "reasoning",
    status,
    summary: isSummary && text !== "" ? [{ type: "summary_text", text }] : [],
    ...(!isSummary && text !== "" && { content: [{ type: "reasoning_text", text }] }),
    ...(secret !== undefined && { encrypted_content: secret }),
  };
}
