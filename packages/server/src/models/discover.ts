import { AppError } from "@tutti/core";
import { askJson } from "./ask.ts";
import { factsOfListing } from "./facts-of-listing.ts";
import type { ModelFacts } from "./provider-kind.ts";
import type { Upstream } from "./upstream.ts";

const ENTRIES_MAX = 5_000;

/** What a server lists at OpenAI's `GET /models`, or wherever else it keeps that list. */
export async function discoverModels(upstream: Upstream, signal: AbortSignal, path = "/models"): Promise<readonly ModelFacts[]> {
  const answer = await askJson(upstream, { path, method: "GET" }, signal);
  // Together answers with the bare list.
  const entries: unknown = Array.isArray(answer) ? answer : (answer as { readonly data?: unknown } | null)?.data;
  if (!Array.isArray(entries)) throw new AppError("upstream", "wanted a list of models, got something else");
  const found = new Map<string, ModelFacts>();
  for (const item of entries.slice(0, ENTRIES_MAX) as readonly unknown[]) {
    const facts = factsOfListing(item);
    if (facts !== undefined) found.set(facts.name, facts);
  }
  return [...found.values()];
}
