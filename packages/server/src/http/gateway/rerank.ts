import { randomUUID } from "node:crypto";
import { AppError } from "@tutti/core";
import { decodeRerankRequest, encodeRanking, type RerankCall, type Vector } from "@tutti/core/wire";
import { replaceModel, type Ranking } from "../../models/index.ts";
import { jsonFields, wholeAnswer, type MediaAnswer, type MediaPlace, type MediaSurface } from "./media.ts";

/** `POST /v1/rerank`. */
export const rerankSurface: MediaSurface = {
  surface: "rerank",
  isUpload: false,
  read(given) {
    const { bytes } = given;
    const body = jsonFields(bytes, given.depthMax);
    const call = decodeRerankRequest(body);
    return {
      model: call.model,
      stream: false,
      // An embedding model will do, so no one ability is asked for.
      needs: [],
      bytes,
      body,
      texts: [call.query, ...call.documents.map(({ text }) => text)],
      withTexts: ([query, ...texts]) =>
        rerankSurface.read({ ...given, bytes: Buffer.from(JSON.stringify(retold(body, call, { query, texts }))) }),
      metered: {},
      named: (name) => replaceModel(bytes, name),
      translate: (place, signal) => translate(call, place, signal),
    };
  },
};

/** The request with another query and other texts; a document that was an object stays one. */
function retold(
  body: object,
  { documents }: RerankCall,
  { query, texts }: { readonly query: string | undefined; readonly texts: readonly string[] },
): object {
  const given = (body as { readonly documents?: readonly unknown[] }).documents ?? [];
  const changed = documents.map((document, index) => {
    const text = texts[index] ?? "";
    return typeof given[index] === "string" ? text : { ...(document.given as object), text };
  });
  return { ...body, query, documents: changed };
}

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
