import { SseDecoder } from "@tutti/core/wire";
import type { JsonObject } from "./serving.ts";

/** The object that an answer ends with: the JSON itself, or the `response` of a responses stream's last event. */
export function finalOf(bytes: Buffer, contentType: string): JsonObject | undefined {
  const text = bytes.toString("utf8");
  try {
    if (!contentType.startsWith("text/event-stream")) return JSON.parse(text) as JsonObject;
    const last = new SseDecoder({ eventCharsMax: text.length + 1 }).push(text).findLast(({ data }) => data !== "[DONE]");
    const event = last && (JSON.parse(last.data) as JsonObject);
    return isObject(event?.response) ? event.response : undefined;
  } catch {
    // The bytes are the provider's and have gone out as they are; what does not parse holds nothing to keep.
    return undefined;
  }
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
