import { canonicalJson, type Json } from "../json.ts";
import { arrayAt, isObject, misfit, objectAt, type JsonObject } from "./shape.ts";

/**
 * An event in the shape of CloudEvents 1.0.2, laid out as its JSON format has it: attributes and extensions side by side, `data` for JSON
 * and texts, `data_base64` for bytes. Extensions have names of lower-case letters and digits; their values are texts, integers or booleans.
 */
export type CloudEvent = {
  readonly specversion: "1.0";
  readonly id: string;
  readonly source: string;
  readonly type: string;
  readonly subject?: string;
  /** RFC 3339. */
  readonly time?: string;
  readonly datacontenttype?: string;
  readonly dataschema?: string;
  readonly data?: Json;
  readonly data_base64?: string;
  readonly [extension: string]: Json;
};

/** What a binary-mode message carries: attributes in `ce-` headers, and the data apart from them. */
export interface BinaryEvent {
  /** Names in lower case. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly data: EventData;
}

/** An event's data as its content type says it is. */
export type EventData =
  | { readonly type: "none" }
  | { readonly type: "json"; readonly value: Json }
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "bytes"; readonly base64: string };

/** The media type of one event in JSON. */
export const CLOUD_EVENT_TYPE = "application/cloudevents+json";
/** The media type of several events in one JSON array. */
export const CLOUD_EVENT_BATCH_TYPE = "application/cloudevents-batch+json";
/** More events in one batch are refused. */
const BATCH_MAX = 1000;
/** Attributes are looked at for every subscription; what is longer belongs into the data. */
const ATTRIBUTE_CHARS_MAX = 2048;
/** Beside the attributes of the specification. */
const EXTENSIONS_MAX = 64;

const REQUIRED = ["id", "source", "type"] as const;
const ATTRIBUTE_NAME = /^[a-z0-9]{1,64}$/;
/** RFC 3339 §5.6. The day of the month is checked apart, by the calendar. */
const TIME =
  /^\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])[Tt](?:[01]\d|2[0-3]):[0-5]\d:(?:[0-5]\d|60)(?:\.\d{1,9})?(?:[Zz]|[+-](?:[01]\d|2[0-3]):[0-5]\d)$/;
const MEDIA_TYPE = /^[\w!#$&^.+-]+\/[\w!#$&^.+-]+(?:\s*;[^\r\n]*)?$/;
const BASE64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/;
/** Control characters and unpaired surrogates, which §3.1 of the specification keeps out of strings; its noncharacters are let through. */
const UNFIT = /[\p{Cc}\p{Cs}]/u;
/** RFC 3986: what a URI-reference may be made of. White space and quotes are what hostile senders try. */
const URI_REFERENCE = /^[^\s"<>\\^`{|}]+$/;
const ABSOLUTE_URI = /^[A-Za-z][A-Za-z0-9+.-]*:[^\s"<>\\^`{|}]*$/;

/** Reads an event in the JSON format, as `JSON.parse` returned it; `path` is what messages call it. What does not fit is `invalid_input`. */
export function decodeCloudEvent(value: unknown, path = "event"): CloudEvent {
  const fields = objectAt(value, path);
  if (fields.specversion !== "1.0") throw misfit(`${path}.specversion`, `"1.0"`, fields.specversion);
  const names = Object.keys(fields).filter((name) => fields[name] !== null || name === "data");
  const { data_base64: base64 } = fields;
  if (names.includes("data") && names.includes("data_base64")) throw misfit(`${path}.data_base64`, "data or data_base64, not both", base64);
  if (names.length > EXTENSIONS_MAX + 10) throw misfit(path, `at most ${EXTENSIONS_MAX} extensions`, names.length);
  for (const name of REQUIRED) if (!names.includes(name)) throw misfit(`${path}.${name}`, "a text", fields[name]);
  const event: Record<string, Json> = {};
  for (const name of names) event[name] = decodeField(name, fields, path);
  // Every name was checked just now.
  return event as CloudEvent;
}

/** Reads a batch, at most 1,000 events. */
export function decodeCloudEvents(value: unknown): readonly CloudEvent[] {
  const items = arrayAt(value, "batch");
  if (items.length > BATCH_MAX) throw misfit("batch", `at most ${BATCH_MAX} events`, items);
  return items.map((item, index) => decodeCloudEvent(item, `batch[${index}]`));
}

/** Reads a binary-mode message (HTTP protocol binding §3.1). `content-type` becomes `datacontenttype`. */
export function decodeBinaryEvent({ headers, data }: BinaryEvent): CloudEvent {
  const fields: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(headers))
    if (value !== undefined && name.startsWith("ce-")) fields[name.slice(3)] = decodeHeader(name, value);
  for (const name of ["data", "data_base64", "datacontenttype"])
    if (Object.hasOwn(fields, name)) throw misfit(`ce-${name}`, "no such header: data is the body, its type content-type", fields[name]);
  const contentType = headers["content-type"];
  if (contentType !== undefined && data.type !== "none") fields.datacontenttype = contentType;
  if (data.type === "json") fields.data = data.value;
  if (data.type === "text") fields.data = data.text;
  if (data.type === "bytes") fields.data_base64 = data.base64;
  return decodeCloudEvent(fields, "ce");
}

/** Writes a binary-mode message. */
export function encodeBinaryEvent(event: CloudEvent): BinaryEvent {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(event))
    if (name !== "data" && name !== "data_base64" && name !== "datacontenttype") headers[`ce-${name}`] = encodeHeader(attributeText(value));
  const data = dataOf(event);
  const contentType = event.datacontenttype ?? (data.type === "none" ? undefined : "application/json");
  return { headers: { ...headers, ...(contentType !== undefined && { "content-type": contentType }) }, data };
}

/** Whether a media type holds JSON: `application/json`, `text/json`, or anything that ends with `+json`. */
export function isJsonType(mediaType: string): boolean {
  return /^[^;]*(?:\/|\+)json\s*(?:;|$)/i.test(mediaType);
}

/** An attribute's value as filters and ordering see it: text, also for integers and booleans; `undefined` when it is not there. */
export function attributeOf(event: CloudEvent, name: string): string | undefined {
  if (name === "data" || name === "data_base64" || !Object.hasOwn(event, name)) return undefined;
  return attributeText(event[name] ?? "");
}

/** Integers and booleans as the specification writes them as texts (§3.1). */
function attributeText(value: Json): string {
  return typeof value === "string" ? value : canonicalJson(value);
}

/** The media type of data that names none is JSON (JSON format §3.1). */
function dataOf(event: CloudEvent): EventData {
  if (event.data_base64 !== undefined) return { type: "bytes", base64: event.data_base64 };
  const { data } = event;
  if (data === undefined) return { type: "none" };
  if (typeof data === "string" && event.datacontenttype !== undefined && !isJsonType(event.datacontenttype))
    return { type: "text", text: data };
  return { type: "json", value: data };
}

function decodeField(name: string, fields: JsonObject, path: string): Json {
  const value = fields[name];
  const at = `${path}.${name}`;
  switch (name) {
    case "data":
      // What `JSON.parse` returned, or what the caller made of a body.
      return value as Json;
    case "data_base64":
      return matching(value, { at, shape: BASE64, wanted: "base64 with padding", charsMax: Number.POSITIVE_INFINITY });
    case "source":
      return matching(value, { at, shape: URI_REFERENCE, wanted: "a URI-reference such as /shop/orders" });
    case "dataschema":
      return matching(value, { at, shape: ABSOLUTE_URI, wanted: "an absolute URI" });
    case "time":
      return timeAt(value, at);
    case "datacontenttype":
      return matching(value, { at, shape: MEDIA_TYPE, wanted: "a media type such as application/json" });
    case "specversion":
      return "1.0";
    case "id":
    case "type":
    case "subject":
      return matching(value, { at, shape: /^/, wanted: "a text" });
    default:
      if (!ATTRIBUTE_NAME.test(name)) throw misfit(at, "names of lower-case letters and digits", name);
      return extensionAt(value, at);
  }
}

interface TextRule {
  readonly at: string;
  readonly shape: RegExp;
  readonly wanted: string;
  readonly charsMax?: number;
}

function matching(value: unknown, { at, shape, wanted, charsMax = ATTRIBUTE_CHARS_MAX }: TextRule): string {
  if (typeof value !== "string" || value === "") throw misfit(at, `${wanted}, not empty`, value);
  if (value.length > charsMax) throw misfit(at, `at most ${charsMax} characters`, value);
  if (!shape.test(value) || UNFIT.test(value)) throw misfit(at, wanted, value);
  return value;
}

function timeAt(value: unknown, at: string): string {
  const text = matching(value, { at, shape: TIME, wanted: "a time in RFC 3339 such as 2026-01-31T12:00:00Z" });
  const [year = 0, month = 0, day = 0] = text.slice(0, 10).split("-").map(Number);
  if (day > new Date(Date.UTC(year, month, 0)).getUTCDate()) throw misfit(at, "a day of the calendar", value);
  return text;
}

function extensionAt(value: unknown, at: string): Json {
  if (typeof value === "boolean") return value;
  // Whole, and in 32 bits with a sign (CloudEvents 1.0, type system).
  if (typeof value === "number" && value === (value | 0)) return value;
  if (typeof value === "string" && value.length <= ATTRIBUTE_CHARS_MAX && !UNFIT.test(value)) return value;
  throw misfit(
    at,
    `a text of at most ${ATTRIBUTE_CHARS_MAX} characters, a 32-bit integer or a boolean`,
    isObject(value) ? "an object" : value,
  );
}

/** HTTP protocol binding §3.1.3.2: an optional pair of quotes, then one round of percent-decoding; a broken escape is an error. */
function decodeHeader(name: string, value: string): string {
  const quoted = /^"(.*)"$/s.exec(value.trim())?.[1];
  const text = quoted === undefined ? value.trim() : quoted.replaceAll(/\\(.)/gs, "$1");
  try {
    return decodeURIComponent(text);
  } catch {
    throw misfit(name, "UTF-8 in percent-encoding", value);
  }
}

/** Everything but printable ASCII is percent-encoded, and so are blanks, quotes and the percent sign. */
function encodeHeader(text: string): string {
  return text.replaceAll(/[^\x21\x23\x24\x26-\x7e]/gu, (character) =>
    /[\x20-\x7e]/.test(character) ? `%${character.charCodeAt(0).toString(16).toUpperCase()}` : encodeURIComponent(character),
  );
}
