import { AppError } from "@tutti/core";
import type { ModelPart, Usage } from "@tutti/core/model";
import type { SchemaVerdict } from "./schema-check.ts";

/** Asks the model once more, with its answer and what is wrong with it. */
export type AskAgain = (answer: string, problem: string) => AsyncIterable<ModelPart>;

/** How an answer has to be, and what may be done about it. */
export interface SchemaRule {
  readonly check: (text: string) => SchemaVerdict;
  readonly repairsMax: number;
  readonly askAgain: AskAgain | undefined;
  /** Hears of what was found; throws where the rule refuses. */
  readonly found: (what: string, isLast: boolean) => void;
}

/** Longer answers are not held back to be checked. */
const HELD_CHARACTERS_MAX = 1_000_000;

interface Held {
  readonly text: string;
  readonly others: readonly ModelPart[];
  readonly finish: Extract<ModelPart, { type: "finish" }> | undefined;
  /** It is no final answer (tool calls), was cut off or is too long: it goes on as it is. */
  readonly isExempt: boolean;
}

/**
 * An answer that is JSON of a schema. Its text is held until it is whole; then it is mended if that is enough, or the model is asked again.
 * A turn with tool calls is no answer yet and goes on as it is.
 */
export async function* guardSchema(parts: AsyncIterable<ModelPart>, rule: SchemaRule): AsyncGenerator<ModelPart, void, undefined> {
  let source = parts;
  let spent: Usage | undefined;
  for (let attempt = 0; attempt <= rule.repairsMax; attempt += 1) {
    const held = await hold(source);
    const verdict: SchemaVerdict = held.isExempt ? { type: "fits", text: held.text, isRepaired: false } : rule.check(held.text);
    spent = sum(spent, held.finish?.usage);
    const isLast = attempt === rule.repairsMax || rule.askAgain === undefined;
    if (verdict.type === "misfit")
      rule.found(isLast ? "an answer that does not fit its schema" : "an answer that was asked for again", isLast);
    if (verdict.type === "fits" && verdict.isRepaired) rule.found("JSON that had to be mended", false);
    if (verdict.type === "fits" || isLast) {
      yield* released(held, verdict.type === "fits" ? verdict.text : held.text, spent);
      return;
    }
    source = rule.askAgain?.(held.text, verdict.problem) ?? source;
  }
}

async function hold(parts: AsyncIterable<ModelPart>): Promise<Held> {
  const others: ModelPart[] = [];
  let text = "";
  let isExempt = false;
  for await (const part of parts) {
    if (part.type === "finish") return { text, others, finish: part, isExempt: isExempt || part.reason !== "stop" };
    if (part.type === "text") text += part.text;
    else others.push(part);
    if (part.type === "call" || part.type === "call.delta" || part.type === "refusal") isExempt = true;
    if (text.length > HELD_CHARACTERS_MAX)
      throw new AppError(
        "too_large",
        `wanted an answer of at most ${HELD_CHARACTERS_MAX} characters to check against its schema, got a longer one`,
      );
  }
  return { text, others, finish: undefined, isExempt: true };
}

function* released({ others, finish }: Held, text: string, usage: Usage | undefined): Generator<ModelPart, void, undefined> {
  // Thoughts came before the text, and calls after it.
  for (const part of others) if (part.type === "reasoning") yield part;
  if (text !== "") yield { type: "text", text };
  for (const part of others) if (part.type !== "reasoning") yield part;
  if (finish !== undefined) yield usage === undefined ? finish : { ...finish, usage };
}

/** What all attempts used together. */
function sum(first: Usage | undefined, second: Usage | undefined): Usage | undefined {
  if (first === undefined || second === undefined) return first ?? second;
  const added = (a: number | undefined, b: number | undefined): number | undefined =>
    a === undefined && b === undefined ? undefined : (a ?? 0) + (b ?? 0);
  const cacheReadTokens = added(first.cacheReadTokens, second.cacheReadTokens);
  const cacheWriteTokens = added(first.cacheWriteTokens, second.cacheWriteTokens);
  const reasoningTokens = added(first.reasoningTokens, second.reasoningTokens);
  return {
    inputTokens: first.inputTokens + second.inputTokens,
    outputTokens: first.outputTokens + second.outputTokens,
    ...(cacheReadTokens !== undefined && { cacheReadTokens }),
    ...(cacheWriteTokens !== undefined && { cacheWriteTokens }),
    ...(reasoningTokens !== undefined && { reasoningTokens }),
  };
}
