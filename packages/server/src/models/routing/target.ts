import type { Usage } from "@tutti/core/model";
import type { ModelFacts, OpenProvider } from "../provider-kind.ts";
import type { Provider } from "../provider.ts";
import type { Upstream } from "../upstream.ts";
import type { Adaptation } from "./adapt.ts";

/** Where a model is: its provider, the way to it, and what the provider calls it. */
export interface Place {
  readonly provider: Provider;
  readonly open: OpenProvider;
  readonly upstream: Upstream | undefined;
  readonly name: string;
}

/** A model that a request may go to. `id` is "provider/name". */
export interface Target {
  readonly id: string;
  readonly place: Place;
  readonly tags: readonly string[];
  readonly weight: number;
  /** What has to be changed in a request for this model. */
  readonly adapt?: Adaptation;
  /** As configured. */
  readonly price?: TokenPrice;
}

/** What a model costs by its list, in US dollars a token. */
export interface TokenPrice {
  readonly inputPerToken: number;
  readonly outputPerToken: number;
  /** Of tokens that the provider's prompt cache held. */
  readonly cacheReadPerToken?: number;
}

/** What a call used, in US dollars. */
export function costUsdOf(usage: Usage, { inputPerToken, outputPerToken, cacheReadPerToken = inputPerToken }: TokenPrice): number {
  const cached = usage.cacheReadTokens ?? 0;
  return (usage.inputTokens - cached) * inputPerToken + cached * cacheReadPerToken + usage.outputTokens * outputPerToken;
}

/** What the router asks about places: all of it is known already, nothing waits. */
export interface Knowledge {
  readonly locate: (modelId: string) => Place | undefined;
  readonly facts: (place: Place) => ModelFacts | undefined;
  readonly priceOf: (place: Place) => TokenPrice | undefined;
}

const FREE: TokenPrice = { inputPerToken: 0, outputPerToken: 0 };

/** The configured price, else the list price; of one's own machines, which are on no list, nothing. */
export function priceOfTarget({ place, price }: Target, { priceOf }: Pick<Knowledge, "priceOf">): TokenPrice | undefined {
  return price ?? priceOf(place) ?? (isOwn(place) ? FREE : undefined);
}

/** Models in this process, and servers at an address that only this machine or network has. */
function isOwn({ provider, upstream }: Place): boolean {
  if (upstream === undefined || provider.baseUrl === undefined) return upstream === undefined || provider.kind === "ollama";
  const host = URL.parse(provider.baseUrl)?.hostname;
  return host !== undefined && OWN_HOST.test(host);
}

const OWN_HOST =
  /^(?:localhost|127\.[\d.]+|10\.[\d.]+|192\.168\.[\d.]+|172\.(?:1[6-9]|2\d|3[01])\.[\d.]+|\[::1\]|[^.]+|.*\.(?:local|internal|lan|home\.arpa))$/;
