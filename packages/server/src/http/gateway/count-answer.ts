import type { ModelPart, Usage } from "@tutti/core/model";
import type { BrokenOff, Target } from "../../models/index.ts";
import type { Serving } from "./serving.ts";

/** What an answer used whose provider did not say, counted by the tokenizer of the model that gave it. */
export async function countAnswer(serving: Serving, model: string, bytes: Buffer | undefined): Promise<Usage> {
  return countParts(serving, model, bytes === undefined ? [] : await partsOf(serving, bytes));
}

/** The same for an answer that was broken off; what the provider has said already counts. */
export async function countBroken(serving: Serving, target: Target, { observed, whole }: BrokenOff): Promise<void> {
  if (serving.call.payer === undefined) return;
  const counted = await countAnswer(serving, target.place.name, whole);
  const said = observed.usage;
  serving.call.spent(
    target,
    said === undefined ? counted : { ...said, outputTokens: Math.max(said.outputTokens, counted.outputTokens) },
    observed.finishReason === undefined || said === undefined,
  );
}

/** What a request and these parts of its answer used. */
export async function countParts(serving: Serving, model: string, parts: readonly ModelPart[]): Promise<Usage> {
  const { tokens } = serving.app.models;
  await tokens.load(model);
  const written = parts.map((part) => writtenIn(part)).join("");
  return {
    inputTokens: tokens.count(model, serving.request()),
    outputTokens: written === "" ? 0 : tokens.countText(model, written),
  };
}

function writtenIn(part: ModelPart): string {
  return "text" in part ? part.text : "";
}

/** The parts of as much of an answer as came. */
async function partsOf({ codec }: Serving, bytes: Buffer): Promise<readonly ModelPart[]> {
  const parts: ModelPart[] = [];
  try {
    for await (const part of codec.decodeAnswer(inOnePiece(bytes))) parts.push(part);
  } catch {
    // It was broken off: what came before is what there is.
  }
  return parts;
}

async function* inOnePiece(bytes: Buffer): AsyncGenerator<Buffer> {
  yield bytes;
}
