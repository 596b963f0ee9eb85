import { AppError, type Json } from "@tutti/core";
import { chainOf, itemsOf, PreviousResponseMissing } from "./responses-context.ts";
import { outputOf, type KeptResponse, type ResponseLog } from "./responses-log.ts";
import type { JsonObject } from "./serving.ts";

const LIMIT_DEFAULT = 20;
const LIMIT_MAX = 100;

/** One page of the items a response was made from, with what came before it in its conversation. */
export async function listItems(log: ResponseLog, kept: KeptResponse, query: Readonly<Record<string, string>>): Promise<Json> {
  const before = kept.previousId === undefined ? [] : await earlierThan(log, kept.previousId, kept.tenant);
  const all = [...before.flatMap((earlier) => [...named(earlier), ...outputOf(earlier)]), ...named(kept)];
  const items = orderOf(query.order) === "asc" ? all : all.toReversed();
  const start = query.after === undefined ? 0 : items.findIndex(({ id }) => id === query.after) + 1;
  if (query.after !== undefined && start === 0) throw misfit("after", "the id of one of the items", query.after);
  const limit = limitOf(query.limit);
  const data = items.slice(start, start + limit);
  return {
    object: "list",
    data,
    first_id: data[0]?.id ?? null,
    last_id: data.at(-1)?.id ?? null,
    has_more: start + limit < items.length,
  };
}

/** What came before, as far as it is kept. */
async function earlierThan(log: ResponseLog, id: string, tenant: string): Promise<readonly KeptResponse[]> {
  try {
    return await chainOf(log, id, { tenant });
  } catch (thrown) {
    if (thrown instanceof PreviousResponseMissing) return [];
    throw thrown;
  }
}

/** Clients may leave out ids, types and states; lists have them. */
function named({ id, input }: KeptResponse): readonly JsonObject[] {
  const name = id.replace(/^resp_/, "");
  return input.map((item, index): JsonObject => {
    const isMessage = item.type === undefined || item.type === "message";
    const own = { id: `${isMessage ? "msg" : "item"}_in_${name}_${index}`, status: "completed" };
    return isMessage ? { ...own, ...item, type: "message", content: contentOf(item) } : { ...own, ...item };
  });
}

function contentOf({ role, content }: JsonObject): Json {
  if (typeof content !== "string") return content ?? [];
  if (role === "assistant") return [{ type: "output_text", text: content, annotations: [] }];
  return itemsOf(content)[0]?.content ?? [];
}

function orderOf(order = "desc"): "asc" | "desc" {
  if (order === "asc" || order === "desc") return order;
  throw misfit("order", `"asc" or "desc"`, order);
}

function limitOf(given: string | undefined): number {
  if (given === undefined) return LIMIT_DEFAULT;
  const limit = Number(given);
  if (Number.isSafeInteger(limit) && limit >= 1 && limit <= LIMIT_MAX) return limit;
  throw misfit("limit", `a whole number from 1 to ${LIMIT_MAX}`, given);
}

function misfit(param: string, wanted: string, got: string): AppError {
  return new AppError("invalid_input", `${param}: wanted ${wanted}, got ${JSON.stringify(got)}`, { cause: { param } });
}
