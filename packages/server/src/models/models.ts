import { AppError, type Model, type Usage } from "@tutti/core";
import { Catalog, type Server } from "./catalog.ts";
import { forward, type Forwarded, type ForwardRequest } from "./forward.ts";
import { Prices } from "./prices.ts";
import type { ProviderKind } from "./provider-kind.ts";
import type { Provider } from "./provider.ts";
import { PROVIDER_KINDS } from "./providers/index.ts";
import { Pools, Upstream, type Access } from "./upstream.ts";

/** A model as `GET /v1/models` lists it. `created` is in seconds since 1970, as OpenAI has it. */
export interface ModelEntry {
  readonly id: string;
  readonly provider: string;
  readonly created?: number;
}

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
  const log = options.log ?? (() => {});
  const servers = options.providers.map((provider) => openServer(provider, pools, log));
  const byName = new Map(servers.map((server) => [server.provider.name, server]));
  const configured = new Map(servers.toReversed().flatMap((server) => server.provider.models.map((id) => [id, server] as const)));
  const catalog = new Catalog(servers, log);
  const locate = (modelId: string): Place | undefined => {
    const known = configured.get(modelId);
    if (known !== undefined) return { server: known, name: modelId };
    const slash = modelId.indexOf("/");
    const prefixed = slash < 0 ? undefined : byName.get(modelId.slice(0, slash));
    if (prefixed !== undefined) return { server: prefixed, name: modelId.slice(slash + 1) };
    const server = servers.find((item) => catalog.discovered(item).has(modelId)) ?? (servers.length === 1 ? servers[0] : undefined);
    return server && { server, name: modelId };
  };
  return {
    async list() {
      await catalog.known();
      const entries = servers.flatMap((server) => entriesOf(server, catalog));
      // Where two providers serve the same name, it means the one that `find` takes, and the other is listed with its prefix.
      return entries.map((entry) =>
        locate(entry.id)?.server.provider.name === entry.provider ? entry : { ...entry, id: `${entry.provider}/${entry.id}` },
      );
    },
    find: (modelId) => locate(modelId)?.server.provider,
    model(modelId) {
      const place = locate(modelId);
      const { open } = place?.server ?? {};
      if (place === undefined || open?.generate === undefined) return undefined;
      return { id: modelId, generate: (request, signal) => open.generate?.(place.name, request, signal) ?? nothing() };
    },
    async costUsd(modelId, usage) {
      const place = locate(modelId);
      const baseUrl = place && (place.server.provider.baseUrl ?? kindOf(place.server.provider).baseUrl);
      return place && baseUrl !== undefined ? prices.costUsd({ baseUrl, model: place.name }, usage) : undefined;
    },
    get defaultModel() {
      return (
        options.defaultModel ??
        options.providers.flatMap(({ models }) => models)[0] ??
        onlyOne(servers.flatMap((server) => [...catalog.discovered(server).keys()]))
      );
    },
    async forward(request, signal) {
      const upstream = byName.get(request.provider.name)?.upstream;
      if (upstream === undefined) throw new AppError("internal", `wanted a provider of this configuration, got "${request.provider.name}"`);
      return forward(upstream, request, signal);
    },
    async close() {
      await Promise.all([catalog.close(), pools.close(), ...servers.map(({ open }) => open.close?.())]);
    },
  };
}

async function* nothing(): AsyncGenerator<never> {}

interface Place {
  readonly server: Server;
  /** What the provider calls the model. */
  readonly name: string;
}

function kindOf(provider: Provider): ProviderKind {
  const kind = PROVIDER_KINDS.get(provider.kind ?? "openai-compatible");
  if (kind !== undefined) return kind;
  const known = [...PROVIDER_KINDS.keys()].join(", ");
  throw new AppError("invalid_config", `wanted a kind of provider for "${provider.name}", got "${provider.kind}"; there are: ${known}`);
}

function accessTo(provider: Provider, kind: ProviderKind): Access {
  const baseUrl = provider.baseUrl ?? kind.baseUrl;
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

/** A provider's configured models first, then what it said it serves beside them. */
function entriesOf(server: Server, catalog: Catalog): readonly ModelEntry[] {
  const { name: provider, models } = server.provider;
  const entries = new Map(models.map((id): [string, ModelEntry] => [id, { id, provider }]));
  for (const { name: id, created } of catalog.discovered(server).values())
    entries.set(id, { id, provider, ...(created !== undefined && { created }) });
  return [...entries.values()];
}

function onlyOne<T>(items: readonly T[]): T | undefined {
  return items.length === 1 ? items[0] : undefined;
}
