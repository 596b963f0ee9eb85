import { createHash, randomUUID } from "node:crypto";
import type { Json } from "@tutti/core";
import { decodeCloudEvent, isJsonType, type CloudEvent } from "@tutti/core/wire";
import { taintAttribute } from "../publications.ts";
import { headerOf, verifySignature, type SignatureScheme, type SignedRequest } from "./signatures.ts";

/** An endpoint that the configuration names for webhooks that come in. */
export interface IncomingEndpoint {
  readonly name: string;
  readonly signature: SignatureScheme;
  readonly secrets: readonly string[];
  /** The type of its events; without it, one is made of the endpoint's name and what the sender calls the event. */
  readonly type?: string;
  readonly toleranceSeconds: number;
  /** Whether its content is as good as the owner's. A signature only tells who sent it. */
  readonly isTrusted?: boolean;
}

/** A webhook that may be believed: an event to publish, or a question that the sender asks to see who is here. */
export type Received = { readonly type: "event"; readonly event: CloudEvent } | { readonly type: "challenge"; readonly challenge: string };

/** Senders name events as they like; longer names are cut. */
const KIND_CHARS_MAX = 200;

/**
 * Checks who sent a webhook and makes an event of it. Throws `unauthorized` when the signature does not fit. The event's id is the sender's
 * id of the delivery, so that a webhook that is sent again is one event.
 */
export function receiveWebhook(
  endpoint: IncomingEndpoint,
  request: SignedRequest,
  options: { readonly nowMs: number; readonly parseJson: (bytes: Buffer) => Json },
): Received {
  const { name, signature: scheme, secrets, toleranceSeconds } = endpoint;
  const { nowMs, parseJson } = options;
  if (scheme !== "none") verifySignature(request, { scheme, secrets, toleranceMs: toleranceSeconds * 1000, nowMs });
  const data = dataOf(request, parseJson);
  if (scheme === "slack" && field(data.data, "type") === "url_verification")
    return { type: "challenge", challenge: field(data.data, "challenge") ?? "" };
  const kind = oneLine(kindOf(scheme, request, data.data) ?? "");
  const event = {
    specversion: "1.0",
    id: oneLine(idOf(scheme, request, data.data)),
    source: `/webhooks/${name}`,
    type: endpoint.type ?? (kind === "" ? `webhook.${name}` : `webhook.${name}.${kind}`),
    time: new Date(nowMs).toISOString(),
    ...(endpoint.isTrusted !== true && taintAttribute([`webhook:${name}`])),
    ...data,
  };
  return { type: "event", event: decodeCloudEvent(event, "webhook") };
}

/** What the sender calls this delivery. Where it has no name for it, the signed bytes are the name: the same again is the same. */
function idOf(scheme: SignatureScheme, request: SignedRequest, data: Json | undefined): string {
  const given = {
    standard: () => headerOf(request, "webhook-id"),
    github: () => headerOf(request, "x-github-delivery"),
    stripe: () => field(data, "id"),
    shopify: () => headerOf(request, "x-shopify-webhook-id"),
    slack: () => field(data, "event_id"),
    none: () => headerOf(request, "webhook-id") || randomUUID(),
  }[scheme]();
  if (given !== undefined && given !== "") return given;
  const signedAt = headerOf(request, "x-slack-request-timestamp");
  return createHash("sha256").update(signedAt).update(request.body).digest("hex");
}

/** What the sender calls an event of this kind. */
function kindOf(scheme: SignatureScheme, request: SignedRequest, data: Json | undefined): string | undefined {
  switch (scheme) {
    case "github":
      return headerOf(request, "x-github-event");
    case "shopify":
      return headerOf(request, "x-shopify-topic").replaceAll("/", ".");
    case "slack":
      return (isObject(data) ? field(data["event"], "type") : undefined) ?? field(data, "type");
    case "standard":
    case "stripe":
    case "none":
      return field(data, "type");
  }
}

/** The body as its content type says: JSON, a form's fields, text, or bytes. */
function dataOf(
  { headers, body }: SignedRequest,
  parseJson: (bytes: Buffer) => Json,
): Pick<CloudEvent, "data" | "data_base64" | "datacontenttype"> {
  const contentType = headerOf({ headers }, "content-type");
  if (body.length === 0) return {};
  if (contentType === "" || isJsonType(contentType)) return { datacontenttype: "application/json", data: parseJson(body) };
  if (/^application\/x-www-form-urlencoded\b/i.test(contentType))
    return { datacontenttype: "application/json", data: formOf(body.toString("utf8"), parseJson) };
  if (/^text\//i.test(contentType)) return { datacontenttype: contentType, data: body.toString("utf8") };
  return { datacontenttype: contentType, data_base64: body.toString("base64") };
}

/** GitHub and Slack put JSON into a field called "payload". */
function formOf(text: string, parseJson: (bytes: Buffer) => Json): Json {
  const fields = Object.fromEntries(new URLSearchParams(text));
  const { payload, ...others } = fields;
  return payload !== undefined && Object.keys(others).length === 0 ? parseJson(Buffer.from(payload)) : fields;
}

/** Without what an attribute may not hold. */
function oneLine(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cs}]/gu, "").slice(0, KIND_CHARS_MAX);
}

function field(value: Json | undefined, name: string): string | undefined {
  const found = isObject(value) && Object.hasOwn(value, name) ? value[name] : undefined;
  return typeof found === "string" ? found : undefined;
}

function isObject(value: Json | undefined): value is { readonly [key: string]: Json } {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
