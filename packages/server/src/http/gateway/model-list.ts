import { AppError, type Principal } from "@tutti/core";
import { Hono } from "hono";
import type { App } from "../../host/index.ts";
import type { ModelFacts } from "../../models/index.ts";
import type { HttpContext, HttpEnv } from "../env.ts";
import { operation } from "../openapi.ts";
import { ModelList, ModelListed } from "../shapes/foreign.ts";

/** What can stand as `model` in a request: agents, named models, and what the providers serve. */
export function modelListRoutes(app: App): Hono<HttpEnv> {
  const routes = new Hono<HttpEnv>();
  routes.get(
    "/v1/models",
    operation({ tag: "Models", summary: "Agents and models, in OpenAI's or Anthropic's form", response: ModelList }),
    async (ctx) => {
      const models = await listModels(app, ctx.get("principal"));
      if (!isAnthropic(ctx)) return ctx.json({ object: "list", data: models });
      const data = models.map(anthropicEntry);
      return ctx.json({ data, has_more: false, first_id: data[0]?.id ?? null, last_id: data.at(-1)?.id ?? null });
    },
  );
  routes.get("/v1/models/:id{.+}", operation({ tag: "Models", summary: "One agent or model", response: ModelListed }), async (ctx) => {
    const found = (await listModels(app, ctx.get("principal"))).find(({ id }) => id === ctx.req.param("id"));
    if (found !== undefined) return ctx.json(isAnthropic(ctx) ? anthropicEntry(found) : found);
    throw new AppError(
      "model_not_found",
      `wanted a model or agent, got "${ctx.req.param("id")}", which is none; \`GET /v1/models\` lists them`,
    );
  });
  return routes;
}

/** A model in OpenAI's form, with what is known of it beside. */
interface ModelEntry extends Partial<KnownFacts> {
  readonly id: string;
  readonly object: "model";
  readonly created: number;
  readonly owned_by: string;
}

/** The names are those that servers like vLLM and OpenRouter use in their lists. */
interface KnownFacts {
  readonly context_length: number;
  readonly max_output_tokens: number;
  readonly capabilities: readonly string[];
  readonly dimensions: number;
}

async function listModels(app: App, principal: Principal): Promise<readonly ModelEntry[]> {
  const isOwner = principal.roles.includes("owner");
  const agents = isOwner ? app.registry.agents.map(({ name }): ModelEntry => entryOf(name, "tutti")) : [];
  const models = (await app.models.list()).map(({ id, provider, created, facts }) => entryOf(id, provider, { created, facts }));
  return [...agents, ...models.filter(({ id }) => isOwner || mayAsk(app, principal, id))];
}

/** What policy would not let somebody ask is not theirs to know of. */
function mayAsk({ registry }: App, principal: Principal, resource: string): boolean {
  return registry.policies.preview({ kind: "model.generate", principal, resource }).effect !== "deny";
}

function entryOf(
  id: string,
  owner: string,
  { created = 0, facts }: { readonly created?: number | undefined; readonly facts?: ModelFacts | undefined } = {},
): ModelEntry {
  return {
    id,
    object: "model",
    created,
    owned_by: owner,
    ...(facts?.contextTokens !== undefined && { context_length: facts.contextTokens }),
    ...(facts?.outputTokensMax !== undefined && { max_output_tokens: facts.outputTokensMax }),
    ...(facts?.abilities !== undefined && { capabilities: facts.abilities }),
    ...(facts?.dimensions !== undefined && { dimensions: facts.dimensions }),
  };
}

/** Anthropic's clients say which version of the API they speak. */
function isAnthropic(ctx: HttpContext): boolean {
  return ctx.env.incoming.headers["anthropic-version"] !== undefined;
}

function anthropicEntry({ id, created }: ModelEntry) {
  return { type: "model" as const, id, display_name: id, created_at: new Date(created * 1000).toISOString() };
}
