import { AppError } from "@tutti/core";
import { askJson } from "./ask.ts";
import type { ModelFacts } from "./provider-kind.ts";
import type { Upstream } from "./upstream.ts";

const ENTRIES_MAX = 5_000;
const ID_CHARS_MAX = 256;

/** What a server lists at OpenAI's `GET /models`. */
export async function discoverModels(upstream: Upstream, signal: AbortSignal): Promise<readonly ModelFacts[]> {
  const { data } = (await askJson(upstream, { path: "/models", method: "GET" }, signal)) as { readonly data?: unknown };
  if (!Array.isArray(data)) throw new AppError("upstream", "wanted a list of models, got something else");
  const found = new Map<string, ModelFacts>();
  for (const item of data.slice(0, ENTRIES_MAX) as readonly ({ readonly id?: unknown; readonly created?: unknown } | null)[]) {
    if (typeof item?.id !== "string" || item.id === "" || item.id.length > ID_CHARS_MAX) continue;
    found.set(item.id, { name: item.id, ...(Number.isSafeInteger(item.created) && { created: item.created as number }) });
  }
  return [...found.values()];
}
