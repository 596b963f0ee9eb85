import { describeRoute, resolver } from "hono-openapi";
import type { MiddlewareHandler } from "hono";
import { z } from "zod";

/** What the API description says of a route. */
export interface Operation {
  readonly tag:
    | "Health"
    | "Models"
    | "OpenAI"
    | "Keys"
    | "Sessions"
    | "Agents"
    | "Runs"
    | "Events"
    | "Tools"
    | "Routing"
    | "Trust"
    | "Plugins"
    | "Graphs"
    | "Insight"
    | "Schedules"
    | "Supervisor"
    | "MCP"
    | "Views"
    | "Config";
  readonly summary: string;
  readonly body?: z.ZodType;
  /** What the body is sent as when it is no JSON. */
  readonly bodyMediaType?: "multipart/form-data";
  readonly response?: z.ZodType;
  readonly status?: 200 | 201 | 202 | 204;
  /** Answers under another status than the usual one. */
  readonly others?: Readonly<Partial<Record<200 | 202, z.ZodType>>>;
  /** What the response holds when it is not JSON, or beside JSON where clients may choose. */
  readonly mediaType?: string;
  /** Whether the answer comes as server-sent events when a client asks for them. */
  readonly isStreamed?: boolean;
  readonly query?: Readonly<Record<string, string>>;
  readonly isOpen?: boolean;
}

/** Describes a route in /openapi.json; does nothing to requests. How it says errors is its path's, and is added to the whole (`withErrors`). */
export function operation(described: Operation): MiddlewareHandler {
  const { tag, summary, body, bodyMediaType = "application/json", status = 200, others = {}, query = {}, isOpen = false } = described;
  return describeRoute({
    tags: [tag],
    summary,
    ...(isOpen && { security: [] }),
    ...(body && { requestBody: { required: true, content: { [bodyMediaType]: { schema: resolver(body) } } } }),
    parameters: Object.entries(query).map(([name, description]) => ({
      in: "query" as const,
      name,
      description,
      schema: { type: "string" as const },
    })),
    responses: {
      [status]: success(described),
      ...Object.fromEntries(Object.entries(others).map(([other, schema]) => [other, success({ response: schema })])),
    },
  });
}

function success({ response, mediaType, isStreamed = false }: Pick<Operation, "response" | "mediaType" | "isStreamed">) {
  const text = { schema: { type: "string" as const } };
  const content = {
    ...(response && { "application/json": { schema: resolver(response) } }),
    ...(mediaType !== undefined && { [mediaType]: text }),
    ...(isStreamed && { "text/event-stream": text }),
  };
  return { description: "Success", ...(Object.keys(content).length > 0 && { content }) };
}

const text = z.string();

/** The shapes that errors have, by whose clients a path is for; `problem.ts` writes them. */
const ERRORS = {
  OpenAiError: {
    mediaType: "application/json",
    description: "An error in OpenAI's shape; `code` is stable",
    schema: z.looseObject({
      error: z.object({ message: text, type: text, param: text.nullable(), code: text }),
    }),
  },
  AnthropicError: {
    mediaType: "application/json",
    description: "An error in Anthropic's shape",
    schema: z.object({ type: z.literal("error"), error: z.object({ type: text, message: text }), request_id: text.nullable() }),
  },
  OllamaError: { mediaType: "application/json", description: "An error in Ollama's shape", schema: z.object({ error: text }) },
  RpcError: {
    mediaType: "application/json",
    description: "An error of JSON-RPC",
    schema: z.object({ jsonrpc: z.literal("2.0"), error: z.object({ code: z.int(), message: text }).loose(), id: z.null() }),
  },
  Problem: {
    mediaType: "application/problem+json",
    description: "Problem details (RFC 9457); `code` is stable",
    schema: z.object({ type: text, title: text, status: z.int(), detail: text, code: text }),
  },
} as const;

function errorOf(path: string): keyof typeof ERRORS {
  if (path.startsWith("/v1/messages")) return "AnthropicError";
  if (path.startsWith("/v1/")) return "OpenAiError";
  if (path.startsWith("/api/")) return "OllamaError";
  return path === "/mcp" ? "RpcError" : "Problem";
}

/** As much of an API description as errors are added to. */
interface Described {
  readonly paths: Readonly<Record<string, Readonly<Record<string, unknown>> | undefined>>;
  readonly components: object;
}

/** The description with what errors look like on each path. */
export function withErrors<T extends Described>(description: T): T {
  const responses = Object.fromEntries(
    Object.entries(ERRORS).map(([name, { mediaType, description: about, schema }]) => [
      name,
      { description: about, content: { [mediaType]: { schema: withoutDialect(z.toJSONSchema(schema, { io: "input" })) } } },
    ]),
  );
  const paths = Object.fromEntries(
    Object.entries(description.paths).map(([path, methods = {}]) => [
      path,
      Object.fromEntries(Object.entries(methods).map(([method, described]) => [method, withError(described, errorOf(path))])),
    ]),
  );
  return { ...description, paths, components: { ...description.components, responses } };
}

function withError(described: unknown, error: string): unknown {
  if (typeof described !== "object" || described === null || !("responses" in described)) return described;
  const { responses } = described as { readonly responses: object };
  return { ...described, responses: { ...responses, default: { $ref: `#/components/responses/${error}` } } };
}

/** OpenAPI 3.1 says for the whole document which dialect of JSON Schema it speaks. */
function withoutDialect({ $schema: _dialect, ...schema }: Readonly<Record<string, unknown>>): object {
  return schema;
}
