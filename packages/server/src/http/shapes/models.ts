import { z } from "zod";
import { count } from "./values.ts";

const price = z.object({ inputPerMillion: z.number(), outputPerMillion: z.number() });

/** How a model has been since the server began; what was never measured is left out. */
export const ModelStatsShape = z.object({
  id: z.string(),
  provider: z.string(),
  model: z.string(),
  status: z
    .enum(["ok", "open", "trial", "resting"])
    .describe("open: it failed too often and is left alone; trial: one call tries it; resting: it asked to be left alone"),
  openForMs: z.number().exactOptional(),
  underWay: count,
  calls: count,
  failures: count,
  errorRate: z.number(),
  latencyMs: z.number().exactOptional(),
  firstByteMs: z.number().exactOptional(),
  firstByteP95Ms: z.number().exactOptional(),
  tokensPerSecond: z.number().exactOptional(),
  outputTokens: z.number().exactOptional(),
  cacheShare: z.number().exactOptional(),
  costUsd: z.number().exactOptional(),
});

/** A provider's model with all that is known of it. */
export const CatalogModelShape = z.object({
  id: z.string(),
  name: z.string(),
  provider: z.string(),
  isManaged: z.boolean(),
  routes: z.array(z.string()),
  created: z.number().exactOptional(),
  version: z.string().exactOptional(),
  contextTokens: z.int().exactOptional(),
  outputTokensMax: z.int().exactOptional(),
  abilities: z.array(z.string()).exactOptional(),
  dimensions: z.int().exactOptional(),
  sizeBytes: z.number().exactOptional(),
  isLoaded: z.boolean().exactOptional(),
  price: price.exactOptional(),
  stats: ModelStatsShape.exactOptional(),
});

/** All providers and their models. */
export const CatalogShape = z.object({
  providers: z.array(
    z.object({
      name: z.string(),
      kind: z.string(),
      models: count,
      isManaged: z.boolean(),
      complaint: z.string().exactOptional(),
    }),
  ),
  models: z.array(CatalogModelShape),
});

/** A named model, as configured. */
export const ModelRouteShape = z.looseObject({
  name: z.string(),
  strategy: z.string(),
  targets: z.array(z.looseObject({ model: z.string(), weight: z.number(), tags: z.array(z.string()), pin: z.string().exactOptional() })),
  sticky: z.string().exactOptional(),
  rules: z.array(z.looseObject({ id: z.string(), target: z.string() })),
  tiers: z.array(z.object({ name: z.string(), upToTokens: z.int() })).exactOptional(),
});

/** Where a request would go, the best first, and why. */
export const ModelPlanShape = z.looseObject({
  route: z.string(),
  reason: z.string(),
  candidates: z.array(z.object({ id: z.string(), tags: z.array(z.string()), weight: z.number(), reason: z.string() })),
  leftOut: z.array(z.object({ model: z.string(), reason: z.string() })),
  attemptsMax: z.int(),
  hedgeAfterMs: z.number().exactOptional(),
  resumesText: z.boolean(),
  pruneToTokens: z.int().exactOptional(),
});

/** The model that something was done to. */
export const ModelNamed = z.object({ model: z.string() });

const dimension = z.enum(["key", "user", "team", "model", "provider", "workflow", "day"]);

/** What was spent. */
export const Spend = z.object({
  by: z.array(dimension),
  from: z.string(),
  to: z.string(),
  rows: z.array(
    z.object({
      key: z.string().exactOptional(),
      user: z.string().exactOptional(),
      team: z.string().exactOptional(),
      model: z.string().exactOptional(),
      provider: z.string().exactOptional(),
      workflow: z.string().exactOptional(),
      day: z.string().exactOptional(),
      requests: z.number(),
      inputTokens: z.number(),
      outputTokens: z.number(),
      cacheReadTokens: z.number(),
      cacheWriteTokens: z.number(),
      reasoningTokens: z.number(),
      costUsd: z.number(),
      estimated: z.number(),
      unpriced: z.number(),
    }),
  ),
});
