import type * as genaiPrices from "@pydantic/genai-prices";
import { factsOfFamily } from "./facts-of-families.ts";
import type { ModelFacts } from "./provider-kind.ts";

type Library = Pick<typeof genaiPrices, "calcPrice" | "findProvider">;

/** Completes what a provider says of its models with what is known of them elsewhere. */
export class KnownFacts {
  #library: Library | undefined;
  #loading: Promise<Library> | undefined;

  /** Loads the table of hosted models that the price list comes with: it holds their context too. Until then only families are known. */
  async load(): Promise<void> {
    this.#loading ??= import("@pydantic/genai-prices");
    this.#library = await this.#loading;
  }

  get isLoaded(): boolean {
    return this.#library !== undefined;
  }

  /** `baseUrl`: by it the table knows whose model it is. What the provider said stays. */
  complete(facts: ModelFacts, baseUrl: string | undefined): ModelFacts {
    const listed = facts.contextTokens === undefined && baseUrl !== undefined ? this.#contextTokens(facts.name, baseUrl) : undefined;
    return { ...factsOfFamily(facts.name), ...(listed !== undefined && { contextTokens: listed }), ...facts };
  }

  #contextTokens(model: string, baseUrl: string): number | undefined {
    const provider = this.#library?.findProvider({ providerApiUrl: baseUrl });
    if (provider === undefined) return undefined;
    return this.#library?.calcPrice({ input_tokens: 0, output_tokens: 0 }, model, { provider })?.model.context_window;
  }
}
