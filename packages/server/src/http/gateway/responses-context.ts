import { AppError, type Json } from "@tutti/core";
import { outputOf, type KeptResponse, type ResponseLog } from "./responses-log.ts";
import type { JsonObject } from "./serving.ts";

/** The most responses a conversation may go back, and the most items it may have. */
const CHAIN_MAX = 1_000;
const ITEMS_MAX = 20_000;
/** What Tutti itself wrote as `encrypted_content`; no provider reads it. */
const OURS = "tutti:";

/** A request whose conversation is whole. */
export interface Resolved {
  /** What any model can be asked: everything that was said is in `input`. */
  readonly body: JsonObject;
  /** Whether `body` is another one than the client sent. */
  readonly isChanged: boolean;
  /** What this request added to the conversation. */
  readonly input: readonly JsonObject[];
  /** What a provider that speaks this format is sent in place of `body`. */
  readonly bodyFor: (providerName: string) => JsonObject | undefined;
}

/** How a request's own words about itself stand in the way of a provider that does not keep what this server keeps. */
type Refusal = { readonly code: "previous_response_not_found"; readonly message: string };

/** Thrown for a `previous_response_id` that is not kept; OpenAI's clients know its code. */
export class PreviousResponseMissing extends AppError {
  readonly wire: Refusal;

  constructor(id: string) {
    const message = `wanted the id of a response that is kept, got "${id}", which is not; send the whole conversation as input`;
    super("invalid_input", message, { cause: { param: "previous_response_id" } });
    this.wire = { code: "previous_response_not_found", message };
  }
}

/** Responses that are kept for one connection only, beside those that are kept for all. */
export interface Nearby {
  get(id: string): KeptResponse | undefined;
}

/** Puts what a request refers to (an earlier response, items by their ids) into its input. */
export async function resolve(
  log: ResponseLog,
  given: JsonObject,
  { tenant, nearby }: { readonly tenant: string; readonly nearby?: Nearby },
): Promise<Resolved> {
  const { previous_response_id: previousId, conversation } = given;
  refuseConversation(conversation, previousId);
  const own = itemsOf(given.input);
  const hasReferences = own.some(isReference);
  const input = hasReferences ? await Promise.all(own.map((item, index) => dereference(log, item, { tenant, index, nearby }))) : own;
  const previous = typeof previousId === "string" ? await chainOf(log, previousId, { tenant, ...(nearby && { nearby }) }) : [];
  const items = [...previous.flatMap((kept) => [...kept.input, ...outputOf(kept)]), ...input];
  if (items.length > ITEMS_MAX)
    throw new AppError("too_large", `wanted a conversation of at most ${ITEMS_MAX} items, got ${items.length}; compact it`);
  const hasCompaction = items.some(isOurCompaction);
  const isChanged = previous.length > 0 || hasReferences || hasCompaction;
  const whole = isChanged ? withInput(given, hasCompaction ? items.map(openCompaction) : items) : given;
  const hasSecrets = items.some(hasOurSecret);
  const last = previous.at(-1);
  return {
    body: whole,
    isChanged,
    input,
    bodyFor: (providerName) => {
      if (last?.native?.providerName === providerName && !own.some((item) => isOurCompaction(item) || hasOurSecret(item)))
        return { ...given, previous_response_id: last.native.id };
      return hasSecrets
        ? withInput(
            whole,
            itemsOf(whole.input).filter((item) => !hasOurSecret(item)),
          )
        : undefined;
    },
  };
}

function withInput(given: JsonObject, input: readonly JsonObject[]): JsonObject {
  const { previous_response_id: _previous, ...body } = given;
  return { ...body, input };
}

function refuseConversation(conversation: Json | undefined, previousId: Json | undefined): void {
  if (previousId !== undefined && previousId !== null && typeof previousId !== "string")
    throw new AppError("invalid_input", "previous_response_id: wanted a string", { cause: { param: "previous_response_id" } });
  if (conversation === undefined || conversation === null) return;
  throw new AppError(
    "unsupported",
    "conversation: wanted none, got one; conversations are not kept here, so go on from a response with previous_response_id",
    { cause: { param: "conversation" } },
  );
}

/** A request's input as items. */
export function itemsOf(input: Json | undefined): readonly JsonObject[] {
  if (input === undefined || input === null) return [];
  if (typeof input === "string") return [{ type: "message", role: "user", content: [{ type: "input_text", text: input }] }];
  // What is no array, and items that are no objects, the codec refuses with their paths.
  return Array.isArray(input) ? (input as readonly JsonObject[]) : [];
}

/** The responses a conversation is made of, oldest first. */
export async function chainOf(
  log: ResponseLog,
  lastId: string,
  { tenant, nearby }: { readonly tenant: string; readonly nearby?: Nearby },
): Promise<readonly KeptResponse[]> {
  const chain: KeptResponse[] = [];
  for (let id: string | undefined = lastId; id !== undefined;) {
    if (chain.length >= CHAIN_MAX)
      throw new AppError("too_large", `wanted a conversation of at most ${CHAIN_MAX} responses, got more; compact it`);
    const kept: KeptResponse | undefined = nearby?.get(id) ?? (await log.find(tenant, id));
    if (kept === undefined) throw new PreviousResponseMissing(id);
    refuseUnended(kept);
    chain.unshift(kept);
    id = kept.previousId;
  }
  return chain;
}

function refuseUnended({ id, response }: KeptResponse): void {
  if (response.status !== "queued" && response.status !== "in_progress") return;
  throw new AppError("conflict", `wanted a response that has ended, got "${id}", which is ${response.status}; wait for it`, {
    cause: { param: "previous_response_id" },
  });
}

function isReference(item: JsonObject): boolean {
  return (
    isObject(item) && (item.type === "item_reference" || (item.type === undefined && item.role === undefined && item.id !== undefined))
  );
}

async function dereference(
  log: ResponseLog,
  item: JsonObject,
  { tenant, index, nearby }: { readonly tenant: string; readonly index: number; readonly nearby: Nearby | undefined },
): Promise<JsonObject> {
  if (!isReference(item)) return item;
  const found = typeof item.id === "string" ? await log.findItem(tenant, item.id, nearby) : undefined;
  if (found !== undefined) return found;
  throw new AppError("invalid_input", `input[${index}].id: wanted the id of an item that is kept, got ${JSON.stringify(item.id)}`, {
    cause: { param: `input[${index}].id` },
  });
}

function isOurCompaction(item: JsonObject): boolean {
  return isObject(item) && item.type === "compaction" && hasOurSecret(item);
}

function hasOurSecret(item: JsonObject): boolean {
  return isObject(item) && typeof item.encrypted_content === "string" && item.encrypted_content.startsWith(OURS);
}

const SUMMARY = `${OURS}summary:`;

/** A summary that this server made is a turn that every model can read. */
function openCompaction(item: JsonObject): JsonObject {
  if (!isOurCompaction(item) || typeof item.encrypted_content !== "string") return item;
  return { type: "message", role: "user", content: [{ type: "input_text", text: item.encrypted_content.slice(SUMMARY.length) }] };
}

function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
