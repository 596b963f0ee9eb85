import type { ProviderKind } from "../provider-kind.ts";
import type { Provider, Surface } from "../provider.ts";
import { openaiShape } from "./openai.ts";
import { openShaped, type Shape } from "./openai-shaped.ts";

/**
 * OpenAI's models as Azure hosts them, under the names of their deployments. The base URL is that of the resource
 * (`https://NAME.openai.azure.com`), with or without `/openai/v1`. Its options: `apiVersion`, which asks for the classic API with its
 * dated versions in place of v1, and `auth: "entra"`, which sends the key as a bearer token of Microsoft Entra ID.
 */
export const azure: ProviderKind = {
  kind: "azure",
  headers({ apiKey, options }) {
    if (apiKey === undefined) return [];
    return options?.["auth"] === "entra" ? ["authorization", `Bearer ${apiKey}`] : ["api-key", apiKey];
  },
  open: (parts) => openShaped(parts, shapeOf(parts.provider)),
};

const V1_SURFACES: readonly Surface[] = ["chat/completions", "responses", "completions", "embeddings"];
const CLASSIC_SURFACES: readonly Surface[] = [
  "chat/completions",
  "completions",
  "embeddings",
  "audio/transcriptions",
  "audio/translations",
  "audio/speech",
  "images/generations",
];

/** It lists the models that could be deployed, and not those that are: only the configured ones are known to be there. */
function shapeOf({ baseUrl = "", options }: Provider): Shape {
  const apiVersion = options?.["apiVersion"];
  const isClassic = typeof apiVersion === "string";
  const root = rootOf(baseUrl, isClassic);
  const shared = { quirks: (name: string) => openaiShape.quirks(name), isUnlisted: true } as const;
  if (!isClassic) return { ...shared, surfaces: V1_SURFACES, path: (surface) => `${root}/${surface}` };
  const query = `?api-version=${encodeURIComponent(apiVersion)}`;
  const path = (surface: Surface, name: string): string => `${root}/deployments/${encodeURIComponent(name)}/${surface}${query}`;
  return { ...shared, surfaces: CLASSIC_SURFACES, path };
}

/** What is missing between the base URL and the paths of the API. */
function rootOf(baseUrl: string, isClassic: boolean): string {
  const path = new URL(baseUrl).pathname.replace(/\/+$/, "");
  if (path !== "") return "";
  return isClassic ? "/openai" : "/openai/v1";
}
