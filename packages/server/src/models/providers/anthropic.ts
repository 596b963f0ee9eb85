import { AppError } from "@tutti/core";
import type { Reasoning } from "@tutti/core/model";
import { encodeMessagesRequest, messagesCodec, messagesTraits, type MessagesTraits } from "@tutti/core/wire";
import { ask, askJson } from "../ask.ts";
import type { Ability, ModelFacts, ProviderKind } from "../provider-kind.ts";
import type { Provider, Surface } from "../provider.ts";
import type { Upstream } from "../upstream.ts";

/** The version of the API that requests are written for. The one after it, 2026-10-21, takes no temperature, which older models know. */
const VERSION = "2023-06-01";
const SURFACES: readonly Surface[] = ["messages", "messages/count_tokens"];
/** How many models a page of the list holds, and how many pages are read. */
const PAGE_MODELS = 1_000;
const PAGES_MAX = 10;
const NAME_CHARS_MAX = 256;

/** Anthropic's own API, and servers that speak it. `options.betas`: betas to ask for, separated by commas. */
export const anthropic: ProviderKind = {
  kind: "anthropic",
  baseUrl: "https://api.anthropic.com/v1",
  headers,
  open({ provider, upstream }) {
    const surfaces = new Set(provider.surfaces ?? SURFACES);
    // What the list says of a model is newer than what this version of Tutti knows by its name.
    const traits = new Map<string, MessagesTraits>();
    return {
      native: (surface) => (surfaces.has(surface) ? `/${surface}` : undefined),
      generate: (name, request, signal) => {
        const body = encodeMessagesRequest(name, request, traits.get(name) ?? messagesTraits(name));
        return ask(upstream, { path: "/messages", body, decode: (chunks) => messagesCodec.decodeAnswer(chunks) }, signal);
      },
      async discover(signal) {
        const entries = await listModels(upstream, signal);
        for (const entry of entries) traits.set(entry.id, traitsOf(entry));
        return entries.map(factsOf);
      },
    };
  },
};

function headers({ apiKey, options = {} }: Provider): readonly string[] {
  const { betas } = options;
  return [
    ...(apiKey === undefined ? [] : ["x-api-key", apiKey]),
    "anthropic-version",
    VERSION,
    ...(typeof betas === "string" && betas !== "" ? ["anthropic-beta", betas] : []),
  ];
}

type Entry = { readonly id: string; readonly [field: string]: unknown };

async function listModels(upstream: Upstream, signal: AbortSignal): Promise<readonly Entry[]> {
  const entries: Entry[] = [];
  let after = "";
  for (let page = 0; page < PAGES_MAX; page += 1) {
    const answer = await askJson(upstream, { path: `/models?limit=${PAGE_MODELS}${after}`, method: "GET" }, signal);
    const { data, has_more: hasMore, last_id: lastId } = answer as { readonly [field: string]: unknown };
    if (!Array.isArray(data)) throw new AppError("upstream", "wanted a list of models, got something else");
    entries.push(...data.filter(isEntry));
    if (hasMore !== true || typeof lastId !== "string") break;
    after = `&after_id=${encodeURIComponent(lastId)}`;
  }
  return entries;
}

function isEntry(value: unknown): value is Entry {
  const id = at(value, "id");
  return typeof id === "string" && id !== "" && id.length <= NAME_CHARS_MAX;
}

function factsOf(entry: Entry): ModelFacts {
  const created = Math.floor(Date.parse(String(entry.created_at)) / 1000);
  const contextTokens = countAt(entry, "max_input_tokens");
  const outputTokensMax = countAt(entry, "max_tokens");
  return {
    name: entry.id,
    ...(Number.isSafeInteger(created) && created > 0 && { created }),
    ...(contextTokens !== undefined && { contextTokens }),
    ...(outputTokensMax !== undefined && { outputTokensMax }),
    ...(at(entry, "capabilities", "thinking") !== undefined && { abilities: abilitiesOf(entry) }),
  };
}

function abilitiesOf(entry: Entry): readonly Ability[] {
  return [
    "chat",
    "tools",
    ...(supports(entry, "image_input") ? (["vision"] as const) : []),
    ...(supports(entry, "structured_outputs") ? (["json"] as const) : []),
    ...(supports(entry, "thinking") ? (["reasoning"] as const) : []),
  ];
}

/** A model that the list says nothing of takes what its name tells. */
function traitsOf(entry: Entry): MessagesTraits {
  const named = messagesTraits(entry.id);
  const outputTokensMax = countAt(entry, "max_tokens") ?? named.outputTokensMax;
  if (at(entry, "capabilities", "thinking") === undefined) return { ...named, outputTokensMax };
  const budget = supports(entry, "thinking", "types", "enabled") ? "budget" : "never";
  return {
    ...named,
    outputTokensMax,
    thinking: supports(entry, "thinking", "types", "adaptive") ? "adaptive" : budget,
    canRest: supports(entry, "thinking", "types", "disabled"),
    efforts: EFFORTS.filter((level) => supports(entry, "effort", level)),
    hasSchemas: supports(entry, "structured_outputs"),
  };
}

const EFFORTS = ["low", "medium", "high", "xhigh", "max"] as const satisfies readonly Reasoning["effort"][];

function supports(entry: Entry, ...path: readonly string[]): boolean {
  return at(entry, "capabilities", ...path, "supported") === true;
}

function countAt(entry: Entry, field: string): number | undefined {
  const value = entry[field];
  return typeof value === "number" && Number.isSafeInteger(value) && value > 0 ? value : undefined;
}

/** The value at a path into JSON; `undefined` where the path leads nowhere, or to null. */
function at(value: unknown, ...path: readonly string[]): unknown {
  return (
    path.reduce((inner: unknown, key) => (typeof inner === "object" && inner !== null ? Reflect.get(inner, key) : undefined), value) ??
    undefined
  );
}
