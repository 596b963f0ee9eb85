import { AppError, type Model } from "@tutti/core";
import type { ModelRequest, Usage } from "@tutti/core/model";
import { AnswerCache, type CacheConfig, type Embed } from "./cache/index.ts";
import { Catalog, type Server } from "./catalog.ts";
import { Guardrails, type GuardConfig } from "./guardrails/index.ts";
import { Inventory } from "./inventory.ts";
import { Locator, type ModelEntry } from "./locator.ts";
import { routedModel } from "./routed-model.ts";
import { forward, type ForwardRequest, type ForwardResult } from "./forward.ts";
import { Prices } from "./prices.ts";
import { Router, type Place, type RouteConfig, type TokenPrice } from "./routing/index.ts";
import type { ModelFacts, ProviderKind } from "./provider-kind.ts";
import type { Provider } from "./provider.ts";
import { PROVIDER_KINDS } from "./providers/index.ts";
import { countRequest, countTokens, estimateTokens, loadTokenizer } from "./tokens/index.ts";
import { Pools, Upstream, type Access } from "./upstream.ts";

/** All models of all providers. */
export interface Models {
  /** Which models a request may go to, and why. */
  readonly router: Router;
  /** Those that are configured or named, and those that the providers say they serve. Never rejects; a dead provider only adds nothing. */
  list(): Promise<readonly ModelEntry[]>;
  /** Where a model is: by `provider/model`, by configuration, by what the providers said, else with the only provider there is. */
  locate(modelId: string): Place | undefined;
  /** What is known of a model. */
  facts(place: Place): ModelFacts;
  /** A model for agents and workflows: its calls are routed like those from outside. */
  model(modelId: string): Model | undefined;
  /** What a call to a model cost in US dollars by its provider's list, where that is known. */
  costUsd(modelId: string, usage: Usage): Promise<number | undefined>;
  /** The same for a model that was found. */
  costUsdAt(place: Place, usage: Usage): Promise<number | undefined>;
  /** What a token of a model costs, once `loadPrices` has resolved. */
  priceOf(place: Place): TokenPrice | undefined;
  loadPrices(): Promise<void>;
  readonly tokens: TokenCounter;
  /** Vectors of texts by a model; without one, by the model that comes with Tutti. */
  embed(texts: readonly string[], model: string | undefined, signal: AbortSignal): Promise<readonly (readonly number[] | Float32Array)[]>;
  /** Answers that may be given again. */
  readonly cache: AnswerCache;
  readonly guardrails: Guardrails;
  /** What the providers have, and what can be done with it there. */
  readonly inventory: Inventory;
  /** What "default" stands for: as configured, else the first configured model, else the only one that was found. */
  readonly defaultModel: string | undefined;
  /** Passes a request on to a provider, and the answer back, byte for byte. */
  forward(place: Place, request: ForwardRequest, signal?: AbortSignal): Promise<ForwardResult>;
  /** Ends every connection; what is under way fails. */
  close(): Promise<void>;
}

/** Counts the tokens of requests and texts by each model's family; exact once `load` has resolved for the model. */
interface TokenCounter {
  /** A quick upper bound from a body's size. */
  estimate(bytes: number): number;
  load(model: string): Promise<void>;
  count(model: string, request: ModelRequest): number;
  countText(model: string, text: string): number;
}

const TOKENS: TokenCounter = {
  estimate: estimateTokens,
  load: loadTokenizer,
  count: (model, request) => countRequest(model, request).tokens,
  countText: countTokens,
};

/** Which providers there are, and which models have names of their own. */
interface ModelsOptions {
  readonly providers: readonly Provider[];
  readonly routes?: readonly RouteConfig[];
  readonly defaultModel?: string | undefined;
  readonly cache?: CacheConfig | undefined;
  readonly guardrails?: readonly GuardConfig[];
  readonly log?: (message: string) => void;
}

/** The embeddings that come with Tutti, for whoever names no model. */
const OWN_EMBEDDINGS: Provider = { name: "tutti-embeddings", kind: "local-embeddings", models: ["en-512"] };

/** Opens the way to the providers and begins to ask them for their models. */
export function createModels(options: ModelsOptions): Models {
  const pools = new Pools();
  const prices = new Prices();
  const log = options.log ?? (() => {});
  const servers = options.providers.map((provider) => openServer(provider, pools, log));
  const chatServers = servers.filter(({ open }) => open.generate !== undefined);
  const catalog = new Catalog(servers, { log, baseUrlOf });
  const locator = new Locator(servers, catalog);
  const locate = (modelId: string): Place | undefined => locator.locate(modelId);
  const priceOf = (place: Place): TokenPrice | undefined => firstOf(pricedAt(place), (at) => prices.perToken(at));
  const costUsdAt = async (place: Place, usage: Usage): Promise<number | undefined> => {
    await prices.load();
    return firstOf(pricedAt(place), (at) => prices.costUsd(at, usage));
  };
  const router = new Router({ routes: options.routes ?? [], locate, facts: (place) => locator.facts(place), priceOf });
  const ownEmbeddings = lazily(() => openServer({ ...OWN_EMBEDDINGS }, pools, log).open);
  return {
    router,
    async list() {
      await catalog.known();
      return locator.entries(router.routes);
    },
    locate,
    facts: (place) => locator.facts(place),
    model: (modelId) => (router.knows(modelId) ? routedModel(modelId, router) : undefined),
    async costUsd(modelId, usage) {
      const place = locate(modelId);
      return place && costUsdAt(place, usage);
    },
    costUsdAt,
    priceOf,
    loadPrices: () => prices.load(),
    tokens: TOKENS,
    async embed(texts, model, signal) {
      const place = model === undefined ? { open: ownEmbeddings.get(), name: OWN_EMBEDDINGS.models[0] ?? "" } : locate(model);
      if (place?.open.embed === undefined) throw new AppError("model_not_found", `wanted an embedding model, got "${model}"`);
      return (await place.open.embed(place.name, { inputs: texts, purpose: "query" }, signal)).vectors;
    },
    guardrails: new Guardrails(options.guardrails ?? []),
    inventory: new Inventory({ servers, catalog, router, priceOf }),
    cache: new AnswerCache({ config: options.cache, embed: embedderOf(options.cache, locate) }),
    get defaultModel() {
      return (
        options.defaultModel ??
        chatServers.flatMap(({ provider }) => provider.models)[0] ??
        onlyOne(chatServers.flatMap((server) => [...catalog.discovered(server).keys()]))
      );
    },
    async forward(place, request, signal) {
      if (place.upstream === undefined)
        throw new AppError("internal", `wanted a provider with an upstream, got "${place.provider.name}", which is in this process`);
      return forward(place.upstream, request, signal);
    },
    async close() {
      await Promise.all([catalog.close(), pools.close(), ...servers.map(({ open }) => open.close?.()), ownEmbeddings.opened?.close?.()]);
    },
  };
}

/** Opens something when it is first needed. */
function lazily<T>(open: () => T): { readonly get: () => T; readonly opened: T | undefined } {
  let opened: T | undefined;
  return {
    get: () => (opened ??= open()),
    get opened() {
      return opened;
    },
  };
}

/** Embeds questions for the cache by the model that it names. */
function embedderOf(cache: CacheConfig | undefined, locate: (modelId: string) => Place | undefined): Embed | undefined {
  const model = cache?.semantic?.model;
  if (model === undefined) return undefined;
  return async (inputs, signal) => {
    const place = locate(model);
    if (place?.open.embed === undefined) throw new AppError("model_not_found", `wanted an embedding model for the cache, got "${model}"`);
    return (await place.open.embed(place.name, { inputs, purpose: "query" }, signal)).vectors;
  };
}

/** The addresses by which price lists may know a model: the provider's own, else that of the API that it stands before. */
function pricedAt({ provider, name: model }: Place): readonly { readonly baseUrl: string; readonly model: string }[] {
  const { baseUrl } = kindOf(provider);
  const usual = typeof baseUrl === "function" ? baseUrl(provider) : baseUrl;
  return [provider.baseUrl, usual].flatMap((url) => (url === undefined ? [] : [{ baseUrl: url, model }]));
}

function firstOf<T, R>(items: readonly T[], find: (item: T) => R | undefined): R | undefined {
  for (const item of items) {
    const found = find(item);
    if (found !== undefined) return found;
  }
  return undefined;
}

function kindOf(provider: Provider): ProviderKind {
  const kind = PROVIDER_KINDS.get(provider.kind ?? "openai-compatible");
  if (kind !== undefined) return kind;
  const known = [...PROVIDER_KINDS.keys()].join(", ");
  throw new AppError("invalid_config", `wanted a kind of provider for "${provider.name}", got "${provider.kind}"; there are: ${known}`);
}

/** Asks one provider what it serves, and leaves it again. */
export async function discoverAt(provider: Provider, signal: AbortSignal): Promise<readonly ModelFacts[]> {
  const pools = new Pools();
  const { open } = openServer(provider, pools, () => {});
  try {
    return (await open.discover?.(signal)) ?? [];
  } finally {
    await Promise.all([pools.close(), open.close?.()]);
  }
}

/** Where a provider's API is. */
function baseUrlOf(provider: Provider): string | undefined {
  const { baseUrl } = kindOf(provider);
  return provider.baseUrl ?? (typeof baseUrl === "function" ? baseUrl(provider) : baseUrl);
}

function accessTo(provider: Provider, kind: ProviderKind): Access {
  const baseUrl = baseUrlOf(provider);
  if (baseUrl === undefined)
    throw new AppError(
      "invalid_config",
      `wanted the base URL of the provider "${provider.name}" of kind "${kind.kind}", got none; set baseUrl`,
    );
  const bearer = provider.apiKey === undefined ? [] : ["authorization", `Bearer ${provider.apiKey}`];
  return { baseUrl, headers: kind.headers?.(provider) ?? bearer };
}

function openServer(provider: Provider, pools: Pools, log: (message: string) => void): Server {
  const kind = kindOf(provider);
  const upstream = kind.isLocal ? undefined : new Upstream(provider, accessTo(provider, kind), pools);
  const open = kind.open({
    provider,
    get upstream() {
      if (upstream === undefined) throw new AppError("internal", `a provider of kind "${kind.kind}" has no upstream`);
      return upstream;
    },
    log,
  });
  return { provider, open, upstream };
}

function onlyOne<T>(items: readonly T[]): T | undefined {
  return items.length === 1 ? items[0] : undefined;
}
