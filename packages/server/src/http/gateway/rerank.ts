import { randomUUID } from "node:crypto";
import { AppError } from "@tutti/core";
import { decodeRerankRequest, encodeRanking, type RerankCall, type Vector } from "@tutti/core/wire";
import { replaceModel, type Ranking } from "../../models/index.ts";
import { parseJson } from "../body.ts";
import { wholeAnswer, type MediaAnswer, type MediaPlace, type MediaSurface } from "./media.ts";

/** `POST /v1/rerank`. */
export const rerankSurface: MediaSurface = {
  surface: "rerank",
  isUpload: false,
  read({ bytes, depthMax }) {
    const call = decodeRerankRequest(parseJson(bytes, depthMax));
    return {
      model: call.model,
      stream: false,
      // An embedding model will do, so no one ability is asked for.
      needs: [],
      text: () => [call.query, ...call.documents.map(({ text }) => text)].join("\n"),
      metered: {},
      named: (name) => replaceModel(bytes, name),
      translate: (place, signal) => translate(call, place, signal),
    };
  },
};

async function translate(call: RerankCall, place: MediaPlace, signal: AbortSignal): Promise<MediaAnswer> {
  const ranking = await rank(call, place, signal);
  return wholeAnswer("application/json", JSON.stringify(encodeRanking(ranking, { id: randomUUID(), call })), ranking.usage);
}

function rank({ query, documents, top }: RerankCall, { open, name }: MediaPlace, signal: AbortSignal): Promise<Ranking> {
  const texts = documents.map(({ text }) => text);
  if (open.rank !== undefined) return open.rank(name, { query, documents: texts, ...(top !== undefined && { top }) }, signal);
  if (open.embed !== undefined) return rankByLikeness({ query, documents: texts }, { name, embed: open.embed.bind(open) }, signal);
  throw new AppError("unsupported", `wanted a model that ranks or embeds, got "${name}", which does neither`);
}

/** How near each document is to the query: the cosine of their vectors, where what points away counts as nothing. */
async function rankByLikeness(
  asked: { readonly query: string; readonly documents: readonly string[] },
  { name, embed }: { readonly name: string; readonly embed: NonNullable<MediaPlace["open"]["embed"]> },
  signal: AbortSignal,
): Promise<Ranking> {
  const [queries, documents] = await Promise.all([
    embed(name, { inputs: [asked.query], purpose: "query" }, signal),
    embed(name, { inputs: asked.documents, purpose: "document" }, signal),
  ]);
  const [query = []] = queries.vectors;
  const near = documents.vectors.map((vector, index) => ({ index, likeness: cosine(query, vector) }));
  return {
    results: near.toSorted((a, b) => b.likeness - a.likeness).map(({ index, likeness }) => ({ index, score: Math.max(0, likeness) })),
    usage: { inputTokens: queries.usage.inputTokens + documents.usage.inputTokens, outputTokens: 0 },
  };
}

function cosine(a: Vector, b: Vector): number {
  let product = 0;
  let lengthA = 0;
  let lengthB = 0;
  for (let index = 0; index < a.length; index += 1) {
    const x = a[index] ?? 0;
    const y = b[index] ?? 0;
    product += x * y;
    lengthA += x * x;
    lengthB += y * y;
  }
  const lengths = Math.sqrt(lengthA * lengthB);
  return lengths === 0 ? 0 : Math.min(1, product / lengths);
}
