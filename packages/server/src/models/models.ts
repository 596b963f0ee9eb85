import { AppError, type Model, type Usage } from "@tutti/core";
import { Catalog, type ModelEntry } from "./catalog.ts";
import { forward, type Forwarded, type ForwardRequest } from "./forward.ts";
import { openaiCompatible } from "./openai-compatible.ts";
import { Prices } from "./prices.ts";
import type { Provider } from "./provider.ts";
import { Pools, Upstream } from "./upstream.ts";

/** All models of all providers. */
export interface Models {
  /** Those that are configured, and those that the providers say they serve. Never rejects; a dead provider only adds nothing. */
  list(): Promise<readonly ModelEntry[]>;
  /** Who serves a model: by `provider/model`, by configuration, by what the providers said, else the only provider there is. */
  find(modelId: string): Provider | undefined;
  /** The model itself, for agents and workflows. */
  model(modelId: string): Model | undefined;
  /** What a call to a model cost in US dollars by its provider's list, where that is known. */
  costUsd(modelId: string, usage: Usage): Promise<number | undefined>;
  /** What "default" stands for: as configured, else the first configured model, else the only one that was found. */
  readonly defaultModel: string | undefined;
  /** Passes a request on to a provider of `find`, and the answer back, byte for byte. */
  forward(request: ForwardRequest, signal: AbortSignal): Promise<Forwarded>;
  /** Ends every connection; what is under way fails. */
  close(): Promise<void>;
}

/** Which providers there are. */
interface ModelsOptions {
  readonly providers: readonly Provider[];
  readonly defaultModel?: string | undefined;
  readonly log?: (message: string) => void;
}

/** Opens the way to the providers and begins to ask them for their models. */
export function createModels(options: ModelsOptions): Models {
  const pools = new Pools();
  const prices = new Prices();
  const upstreams = options.providers.map((provider) => new Upstream(provider, pools));
  const byName = new Map(upstreams.map((upstream) => [upstream.provider.name, upstream]));
  const configured = new Map(upstreams.toReversed().flatMap((upstream) => upstream.provider.models.map((id) => [id, upstream] as const)));
  const catalog = new Catalog(upstreams, options.log ?? (() => {}));
  const locate = (modelId: string): Place | undefined => {
    const known = configured.get(modelId);
    if (known !== undefined) return { upstream: known, name: modelId };
    const slash = modelId.indexOf("/");
    const prefixed = slash < 0 ? undefined : byName.get(modelId.slice(0, slash));
    if (prefixed !== undefined) return { upstream: prefixed, name: modelId.slice(slash + 1) };
    const upstream = upstreams.find((item) => catalog.discovered(item).has(modelId)) ?? (upstreams.length === 1 ? upstreams[0] : undefined);
    return upstream && { upstream, name: modelId };
  };
  return {
    async list() {
      await catalog.known();
      const entries = upstreams.flatMap((upstream) => [...entriesOf(upstream, catalog).values()]);
      // Where two providers serve the same name, it means the one that `find` takes, and the other is listed with its prefix.
      return entries.map((entry) =>
        locate(entry.id)?.upstream.provider.name === entry.provider ? entry : { ...entry, id: `${entry.provider}/${entry.id}` },
      );
    },
    find: (modelId) => locate(modelId)?.upstream.provider,
    model(modelId) {
      const place = locate(modelId);
      return place && openaiCompatible(modelId, place.name, place.upstream);
    },
    async costUsd(modelId, usage) {
      const place = locate(modelId);
      return place && prices.costUsd({ baseUrl: place.upstream.provider.baseUrl, model: place.name }, usage);
    },
    get defaultModel() {
      return (
        options.defaultModel ??
        options.providers.flatMap(({ models }) => models)[0] ??
        onlyOne(upstreams.flatMap((upstream) => [...catalog.discovered(upstream).keys()]))
      );
    },
    async forward(request, signal) {
      const upstream = byName.get(request.provider.name);
      if (upstream === undefined) throw new AppError("internal", `wanted a provider of this configuration, got "${request.provider.name}"`);
      return forward(upstream, request, signal);
    },
    async close() {
      await Promise.all([catalog.close(), pools.close()]);
    },
  };
}

interface Place {
  readonly upstream: Upstream;
  /** What the provider calls the model. */
  readonly name: string;
}

/** A provider's configured models first, then what it said it serves beside them. */
function entriesOf(upstream: Upstream, catalog: Catalog): ReadonlyMap<string, ModelEntry> {
  const { name, models } = upstream.provider;
  return new Map([...models.map((id): [string, ModelEntry] => [id, { id, provider: name }]), ...catalog.discovered(upstream)]);
}

function onlyOne<T>(items: readonly T[]): T | undefined {
  return items.length === 1 ? items[0] : undefined;
}
