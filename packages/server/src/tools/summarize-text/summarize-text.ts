import { AppError } from "@tutti/core";
import { z } from "zod";
import { defineTool } from "../define-tool.ts";
import { rankSentences } from "./lexrank.ts";
import { sentencesOf } from "./sentences.ts";

/** Every sentence is compared with every other, so both bounds keep one call within a fraction of a second. */
const TEXT_CHARACTERS_MAX = 64_000;
const SENTENCES_MAX = 500;

const SUMMARY_SENTENCES_DEFAULT = 3;
const SUMMARY_SENTENCES_MAX = 50;

/** Picks a text's most telling sentences. It adds no word of its own, so it cannot make anything up. */
export const summarizeText = defineTool({
  name: "summarize_text",
  description: "Summarizes a text by picking its most telling sentences, word for word and in their order.",
  effect: "read",
  input: z.strictObject({
    text: z.string().min(1).max(TEXT_CHARACTERS_MAX).describe("The text to summarize."),
    sentencesMax: z
      .int()
      .min(1)
      .max(SUMMARY_SENTENCES_MAX)
      .default(SUMMARY_SENTENCES_DEFAULT)
      .describe("How many sentences to pick at most."),
  }),
  output: z.strictObject({ summary: z.string(), sentences: z.array(z.string()), method: z.literal("lexrank") }),
  examples: [
    {
      input: {
        text: "The harvest failed because of the rain. The rain ruined the harvest in every village. People left.",
        sentencesMax: 1,
      },
      output: {
        summary: "The harvest failed because of the rain.",
        sentences: ["The harvest failed because of the rain."],
        method: "lexrank",
      },
    },
  ],
  cost: { usd: 0, durationMs: 50 },
  run: ({ text, sentencesMax }) => {
    const sentences = tellingSentences(text, sentencesMax);
    return { summary: sentences.join(" "), sentences: [...sentences], method: "lexrank" as const };
  },
});

/** A text's most telling sentences, in their order (LexRank). Throws `invalid_input` for a text without sentences, or with too many. */
export function tellingSentences(text: string, sentencesMax: number): readonly string[] {
  const all = sentencesOf(text);
  if (all.length === 0) throw new AppError("invalid_input", "wanted a text with at least one sentence, got only white space");
  if (all.length > SENTENCES_MAX) {
    throw new AppError("invalid_input", `wanted a text of at most ${SENTENCES_MAX} sentences, got ${all.length}; summarize it in parts`);
  }
  const picked = all.length <= sentencesMax ? [...all.keys()] : rankSentences(all, sentencesMax).toSorted((a, b) => a - b);
  return picked.map((index) => all[index] ?? "");
}
