import type * as genaiPrices from "@pydantic/genai-prices";
import type { Usage } from "@tutti/core";

/** Bound of the models whose prices are remembered; beyond it they are looked up again. */
const REMEMBERED_MAX = 1000;

type CostUsd = (usage: Usage) => number | undefined;
type Library = Pick<typeof genaiPrices, "calcPrice" | "findProvider">;

/** List prices of hosted models, known offline. The table is loaded when it is first asked for: most of it is other people's models. */
export class Prices {
  readonly #byModel = new Map<string, CostUsd>();
  #library: Promise<Library> | undefined;

  /** US dollars for a call, or `undefined` for a server that no price list knows, such as one's own. */
  async costUsd(place: { readonly baseUrl: string; readonly model: string }, usage: Usage): Promise<number | undefined> {
    this.#library ??= import("@pydantic/genai-prices");
    const key = `${place.baseUrl} ${place.model}`;
    const known = this.#byModel.get(key) ?? priceOf(await this.#library, place);
    if (this.#byModel.size < REMEMBERED_MAX) this.#byModel.set(key, known);
    return known(usage);
  }
}

/** Finds the model once; each call is then priced on what was found. */
function priceOf({ calcPrice, findProvider }: Library, { baseUrl, model }: { readonly baseUrl: string; readonly model: string }): CostUsd {
  const provider = findProvider({ providerApiUrl: baseUrl });
  if (provider === undefined) return () => undefined;
  return ({ inputTokens, outputTokens }) =>
    calcPrice({ input_tokens: inputTokens, output_tokens: outputTokens }, model, { provider })?.total_price;
}
