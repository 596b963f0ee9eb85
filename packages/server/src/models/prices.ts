import type * as genaiPrices from "@pydantic/genai-prices";
import type { Usage } from "@tutti/core";
import type { TokenPrice } from "./routing/index.ts";

/** Bound of the models whose prices are remembered; beyond it they are looked up again. */
const REMEMBERED_MAX = 1000;
/** Prices are asked for so many tokens at once and divided, because the library rounds to whole micro-dollars. */
const PROBE_TOKENS = 1_000;

interface Priced {
  readonly costUsd: (usage: Usage) => number | undefined;
  readonly perToken: TokenPrice | undefined;
}

/** Where a model is, for a price list: it knows providers by their addresses. */
interface PricedPlace {
  readonly baseUrl: string;
  readonly model: string;
}

type Library = Pick<typeof genaiPrices, "calcPrice" | "findProvider">;

const UNPRICED: Priced = { costUsd: () => undefined, perToken: undefined };

/** List prices of hosted models, known offline. The table is loaded when it is first asked for: most of it is other people's models. */
export class Prices {
  readonly #byModel = new Map<string, Priced>();
  #loading: Promise<Library> | undefined;
  #library: Library | undefined;

  /** US dollars for a call, once the table is loaded; `undefined` for a server that no price list knows, such as one's own. */
  costUsd(place: PricedPlace, usage: Usage): number | undefined {
    return this.#priced(place).costUsd(usage);
  }

  /** What a token costs, once the table is loaded. Above some lengths of the prompt some providers take more. */
  perToken(place: PricedPlace): TokenPrice | undefined {
    if (this.#library === undefined) void this.load();
    return this.#priced(place).perToken;
  }

  /** Resolves when the table is there. */
  async load(): Promise<void> {
    if (this.#library !== undefined) return;
    this.#loading ??= import("@pydantic/genai-prices");
    this.#library = await this.#loading;
  }

  #priced(place: PricedPlace): Priced {
    const key = `${place.baseUrl} ${place.model}`;
    const known = this.#byModel.get(key);
    if (known !== undefined || this.#library === undefined) return known ?? UNPRICED;
    const found = priceOf(this.#library, place);
    if (this.#byModel.size < REMEMBERED_MAX) this.#byModel.set(key, found);
    return found;
  }
}

/** Finds the model once; each call is then priced on what was found. */
function priceOf({ calcPrice, findProvider }: Library, { baseUrl, model }: PricedPlace): Priced {
  const provider = findProvider({ providerApiUrl: baseUrl });
  if (provider === undefined) return UNPRICED;
  const costUsd = ({ inputTokens, outputTokens, cacheReadTokens = 0, cacheWriteTokens = 0 }: Usage): number | undefined =>
    calcPrice(
      {
        input_tokens: inputTokens,
        output_tokens: outputTokens,
        ...(cacheReadTokens > 0 && { cache_read_tokens: cacheReadTokens }),
        ...(cacheWriteTokens > 0 && { cache_write_tokens: cacheWriteTokens }),
      },
      model,
      { provider },
    )?.total_price;
  const input = costUsd({ inputTokens: PROBE_TOKENS, outputTokens: 0 });
  const output = costUsd({ inputTokens: 0, outputTokens: PROBE_TOKENS });
  const cached = costUsd({ inputTokens: PROBE_TOKENS, outputTokens: 0, cacheReadTokens: PROBE_TOKENS });
  if (input === undefined || output === undefined) return { costUsd, perToken: undefined };
  const perToken = {
    inputPerToken: input / PROBE_TOKENS,
    outputPerToken: output / PROBE_TOKENS,
    ...(cached !== undefined && { cacheReadPerToken: cached / PROBE_TOKENS }),
  };
  return { costUsd, perToken };
}
