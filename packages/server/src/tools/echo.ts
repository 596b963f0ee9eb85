import { z } from "zod";
import { defineTool } from "./define-tool.ts";

const TEXT_CHARACTERS_MAX = 100_000;

/** Gives a text back as it came: the smallest tool there is, for trying things out. */
export const echo = defineTool({
  name: "echo",
  description: "Gives the text back unchanged.",
  effect: "read",
  input: z.strictObject({ text: z.string().max(TEXT_CHARACTERS_MAX).describe("The text to give back.") }),
  output: z.strictObject({ text: z.string() }),
  examples: [{ input: { text: "hello" }, output: { text: "hello" } }],
  cost: { usd: 0, durationMs: 1 },
  run: ({ text }) => ({ text }),
});
