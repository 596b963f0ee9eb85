import { AppError, type Json } from "@tutti/core";
import { readForm, valueOf, type GuardSession } from "../../models/index.ts";
import type { MediaBody, MediaCall, MediaSurface } from "./media.ts";
import type { JsonObject } from "./serving.ts";

/** A request at one of the doors that are no conversation, to be looked at. */
export interface LookedAt {
  readonly surface: MediaSurface;
  readonly given: MediaBody;
  readonly asked: MediaCall;
}

/**
 * The request as the guards let it through; what blocks throws `denied`. They see the texts that the model reads, and every other name and text
 * of the body too, because providers read more fields than we do. What comes back as sound or numbers has nothing to guard.
 */
export function guardMedia(guard: GuardSession, { surface, given, asked }: LookedAt): MediaCall {
  if (!guard.looksAtInput) return asked;
  const { texts } = asked;
  const isForm = given.contentType?.toLowerCase().startsWith("multipart/") === true;
  const body = isForm ? undefined : withoutModel(asked);
  const known = new Set(texts);
  const others = body === undefined ? textsOfForm(given) : Array.from(new Set(textsIn(body))).filter((text) => !known.has(text));
  const { request, isChanged } = guard.input({
    messages: texts.map((content) => ({ role: "user", content })),
    tools: [{ name: "", description: "", parameters: others }],
  });
  if (!isChanged) return asked;
  const said = request.messages.map(({ content }) => content);
  const beside = (request.tools?.[0]?.parameters ?? []) as readonly string[];
  if (body !== undefined) {
    const changes = new Map([...others, ...texts].map((text, index) => [text, [...beside, ...said][index] ?? ""]));
    return surface.read({ ...given, bytes: Buffer.from(JSON.stringify({ ...replaced(body, changes), model: asked.model })) });
  }
  if (beside.every((text, index) => text === others[index])) return asked.withTexts(said);
  throw new AppError("denied", "the guardrails would change a field of this form beside its prompt, which they cannot; send it without");
}

function withoutModel({ body, bytes }: MediaCall): JsonObject {
  const { model: _, ...rest } = (body ?? JSON.parse(bytes.toString("utf8"))) as JsonObject;
  return rest;
}

function textsIn(value: Json): readonly string[] {
  if (typeof value === "string") return [value];
  if (typeof value !== "object" || value === null) return [];
  if (Array.isArray(value)) return (value as readonly Json[]).flatMap(textsIn);
  return Object.entries(value).flatMap(([key, item]) => [key, ...textsIn(item as Json)]);
}

/** Names, and fields beside the prompt; files of sounds and pictures are no text. */
function textsOfForm({ bytes, contentType }: MediaBody): readonly string[] {
  const form = readForm(bytes, contentType);
  return form.parts.flatMap((part) => {
    if (part.name === "model" || part.name === "prompt") return [];
    return [part.name, part.fileName ?? valueOf(form, part).toString("utf8")];
  });
}

function replaced(body: JsonObject, changes: ReadonlyMap<string, string>): JsonObject {
  const inner = (value: Json): Json => {
    if (typeof value === "string") return changes.get(value) ?? value;
    if (typeof value !== "object" || value === null) return value;
    return Array.isArray(value) ? (value as readonly Json[]).map(inner) : replaced(value as JsonObject, changes);
  };
  return Object.fromEntries(Object.entries(body).map(([key, item]) => [changes.get(key) ?? key, inner(item)]));
}
