import { AppError } from "@tutti/core";
import { orMeant } from "@tutti/core/graph";
import type { Catalog, Server } from "./catalog.ts";
import type { ModelFacts, ModelManagement, PullProgress } from "./provider-kind.ts";
import type { Provider } from "./provider.ts";
import type { Place, Router, TargetStats, TokenPrice } from "./routing/index.ts";

/** A model at a provider, with all that is known of it. */
export interface ModelView extends ModelFacts {
  /** "provider/name": what it can always be asked for by. */
  readonly id: string;
  readonly provider: string;
  /** Whether it can be loaded, unloaded and removed from here. */
  readonly isManaged: boolean;
  /** The named models that it answers for. */
  readonly routes: readonly string[];
  readonly price?: { readonly inputPerMillion: number; readonly outputPerMillion: number };
  readonly stats?: TargetStats;
}

/** A provider, and whether its list of models is known. */
export interface ProviderView {
  readonly name: string;
  readonly kind: string;
  readonly models: number;
  /** It can download models, load them and take them out of memory. */
  readonly isManaged: boolean;
  /** Why its list is not known, or not new. */
  readonly complaint?: string;
}

/** What an inventory is made of. */
interface InventoryOptions {
  readonly servers: readonly Server[];
  readonly catalog: Catalog;
  readonly router: Router;
  readonly priceOf: (place: Place) => TokenPrice | undefined;
}

/** A model that its provider manages itself. */
interface Managed {
  readonly provider: Provider;
  readonly name: string;
  readonly management: ModelManagement;
}

/** What the providers have, and what can be done with it there. */
export class Inventory {
  readonly #options: InventoryOptions;

  constructor(options: InventoryOptions) {
    this.#options = options;
  }

  /** Every model of every provider, configured or found. A dead provider only adds nothing. */
  async models(): Promise<readonly ModelView[]> {
    const { servers, catalog, router } = this.#options;
    await catalog.known();
    const stats = new Map(router.stats().map((item) => [item.id, item]));
    return servers.flatMap((server) => {
      const names = new Set([...server.provider.models, ...catalog.discovered(server).keys()]);
      return [...names].map((name) => this.#view(server, name, stats));
    });
  }

  /** One model, by "provider/name" or by a name that only one provider has. */
  async model(id: string): Promise<ModelView> {
    const models = await this.models();
    const found = models.find((model) => model.id === id) ?? onlyOne(models.filter(({ name }) => sameName(name, id)));
    if (found !== undefined) return found;
    const ids = models.map((model) => model.id);
    const meant = ids.length > 50 ? "" : ` (${orMeant(id, ids)})`;
    throw new AppError(
      "model_not_found",
      `wanted a provider's model, got "${id}", which is none${meant}; \`tutti models list\` shows them`,
    );
  }

  providers(): readonly ProviderView[] {
    const { servers, catalog } = this.#options;
    return servers.map((server) => {
      const { name, kind = "openai-compatible", models } = server.provider;
      const complaint = catalog.complaint(server.provider);
      return {
        name,
        kind,
        models: new Set([...models, ...catalog.discovered(server).keys()]).size,
        isManaged: server.open.management !== undefined,
        ...(complaint !== undefined && { complaint }),
      };
    });
  }

  /** Downloads a model; afterwards it is listed. */
  async *pull(id: string, signal: AbortSignal): AsyncGenerator<PullProgress, void, undefined> {
    const { provider, name, management } = this.#managed(id);
    yield* management.pull(name, signal);
    await this.#options.catalog.refresh(provider);
  }

  load(id: string, options: { readonly keepAliveMs?: number }, signal: AbortSignal): Promise<void> {
    return this.#manage(id, ({ management, name }) => management.load(name, options, signal));
  }

  unload(id: string, signal: AbortSignal): Promise<void> {
    return this.#manage(id, ({ management, name }) => management.unload(name, signal));
  }

  remove(id: string, signal: AbortSignal): Promise<void> {
    return this.#manage(id, ({ management, name }) => management.remove(name, signal));
  }

  async #manage(id: string, act: (managed: Managed) => Promise<void>): Promise<void> {
    const managed = this.#managed(id);
    await act(managed);
    await this.#options.catalog.refresh(managed.provider);
  }

  /** Who manages a model: the provider it is named with, the one that has it, or the only one that manages any. */
  #managed(id: string): Managed {
    const { servers, catalog } = this.#options;
    const managing = servers.flatMap(({ provider, open: { management } }) => (management === undefined ? [] : [{ provider, management }]));
    const named = servers.find(({ provider }) => id.startsWith(`${provider.name}/`));
    const prefixed = managing.find(({ provider }) => provider === named?.provider);
    if (prefixed !== undefined) return { ...prefixed, name: id.slice(prefixed.provider.name.length + 1) };
    if (named !== undefined)
      throw new AppError("unsupported", `wanted a provider that keeps models itself, got "${named.provider.name}", which serves them only`);
    const having = managing.filter(({ provider }) => [...catalog.discovered({ provider }).keys()].some((name) => sameName(name, id)));
    const only = onlyOne(having) ?? onlyOne(managing);
    if (only !== undefined) return { ...only, name: id };
    const names = managing.map(({ provider }) => provider.name);
    throw new AppError(
      "unsupported",
      names.length === 0
        ? `wanted a provider that keeps models itself for "${id}", got none; add one of kind ollama to providers`
        : `wanted the provider of "${id}" as well, because several keep models; write ${names.map((name) => `${name}/${id}`).join(" or ")}`,
    );
  }

  #view({ provider, open, upstream }: Server, name: string, stats: ReadonlyMap<string, TargetStats>): ModelView {
    const { catalog, router, priceOf } = this.#options;
    const id = `${provider.name}/${name}`;
    const price = priceOf({ provider, open, upstream, name });
    const seen = stats.get(id);
    const routes = router.routes.filter(({ targets }) => targets.some(({ model }) => model === id || model === name));
    return {
      ...catalog.facts({ provider, name }),
      id,
      provider: provider.name,
      isManaged: open.management !== undefined,
      routes: routes.map((route) => route.name),
      ...(price && { price: { inputPerMillion: millions(price.inputPerToken), outputPerMillion: millions(price.outputPerToken) } }),
      ...(seen !== undefined && { stats: seen }),
    };
  }
}

/** Ollama's names end in ":latest" where nothing else is said. */
function sameName(name: string, asked: string): boolean {
  return name === asked || name === `${asked}:latest`;
}

/** Prices of a token are so small that their last digits are noise. */
function millions(perToken: number): number {
  return Number((perToken * 1e6).toPrecision(6));
}

function onlyOne<T>(items: readonly T[]): T | undefined {
  return items.length === 1 ? items[0] : undefined;
}
