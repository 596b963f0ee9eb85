import type { Catalog, Server } from "./catalog.ts";
import type { ModelFacts } from "./provider-kind.ts";
import type { Place, RouteConfig } from "./routing/index.ts";

/** A model as `GET /v1/models` lists it. `created` is in seconds since 1970, as OpenAI has it. */
export interface ModelEntry {
  readonly id: string;
  readonly provider: string;
  readonly created?: number;
  /** What is known of it, where something is. */
  readonly facts?: ModelFacts;
}

/** Places remembered by name; beyond it all are forgotten, and found again. */
const PLACES_MAX = 2_000;
/** How long a name that nobody was found for is not looked for again: providers are asked for their lists in the background. */
const STALE_MS = 1_000;

/** Finds where a model is. Asked on every request, so what it found is remembered. */
export class Locator {
  readonly #servers: readonly Server[];
  readonly #catalog: Catalog;
  readonly #byName: ReadonlyMap<string, Server>;
  readonly #configured: ReadonlyMap<string, Server>;
  readonly #places = new Map<string, Place>();
  #rememberedAtMs = 0;

  constructor(servers: readonly Server[], catalog: Catalog) {
    this.#servers = servers;
    this.#catalog = catalog;
    this.#byName = new Map(servers.map((server) => [server.provider.name, server]));
    this.#configured = new Map(servers.toReversed().flatMap((server) => server.provider.models.map((id) => [id, server] as const)));
  }

  locate(modelId: string): Place | undefined {
    const nowMs = performance.now();
    if (this.#places.size > PLACES_MAX || nowMs - this.#rememberedAtMs > STALE_MS) {
      // What the providers serve may be known by now, or be another by now.
      this.#places.clear();
      this.#rememberedAtMs = nowMs;
    }
    const known = this.#places.get(modelId);
    if (known !== undefined) return known;
    const place = this.#find(modelId);
    if (place !== undefined) this.#places.set(modelId, place);
    return place;
  }

  facts(place: Place): ModelFacts {
    return this.#catalog.facts(place);
  }

  /** Named models first; then each provider's configured models, and what it said it serves beside them. */
  entries(routes: readonly RouteConfig[]): readonly ModelEntry[] {
    const named = routes.map(({ name }): ModelEntry => ({ id: name, provider: "tutti" }));
    const names = new Set(named.map(({ id }) => id));
    const served = this.#servers.flatMap((server) => this.#entriesOf(server));
    // Where two providers serve the same name, it means the one that is found, and the other is listed with its prefix.
    const isPlain = ({ id, provider }: ModelEntry): boolean => !names.has(id) && this.#find(id)?.provider.name === provider;
    return [...named, ...served.map((entry) => (isPlain(entry) ? entry : { ...entry, id: `${entry.provider}/${entry.id}` }))];
  }

  #find(modelId: string): Place | undefined {
    const known = this.#configured.get(modelId);
    if (known !== undefined) return placeOf(known, modelId);
    const slash = modelId.indexOf("/");
    const prefixed = slash < 0 ? undefined : this.#byName.get(modelId.slice(0, slash));
    if (prefixed !== undefined) return placeOf(prefixed, modelId.slice(slash + 1));
    const remote = this.#servers.filter(({ upstream }) => upstream !== undefined);
    const only = remote.length === 1 ? remote[0] : undefined;
    const server = this.#servers.find((item) => this.#catalog.discovered(item).has(modelId)) ?? only;
    return server && placeOf(server, modelId);
  }

  #entriesOf(server: Server): readonly ModelEntry[] {
    const { name: provider, models } = server.provider;
    const entries = new Map(models.map((id): [string, ModelEntry] => [id, { id, provider }]));
    for (const facts of this.#catalog.discovered(server).values()) {
      const { name: id, created } = facts;
      entries.set(id, { id, provider, ...(created !== undefined && { created }), facts });
    }
    return [...entries.values()];
  }
}

function placeOf({ provider, open, upstream }: Server, name: string): Place {
  return { provider, open, upstream, name };
}
