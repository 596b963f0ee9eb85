import { describeRoute, resolver } from "hono-openapi";
import type { MiddlewareHandler } from "hono";
import type { z } from "zod";

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
    | "MCP";
  readonly summary: string;
  readonly body?: z.ZodType;
  readonly response?: z.ZodType;
  readonly status?: 200 | 201 | 202 | 204;
  /** What the response holds when it is not JSON. */
  readonly mediaType?: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly isOpen?: boolean;
}

/** Describes a route in /openapi.json; does nothing to requests. */
export function operation({
  tag,
  summary,
  body,
  response,
  status = 200,
  mediaType,
  query = {},
  isOpen = false,
}: Operation): MiddlewareHandler {
  const success = {
    description: "Success",
    ...(mediaType !== undefined && { content: { [mediaType]: { schema: { type: "string" as const } } } }),
    ...(response && { content: { "application/json": { schema: resolver(response) } } }),
  };
  return describeRoute({
    tags: [tag],
    summary,
    ...(isOpen && { security: [] }),
    ...(body && { requestBody: { required: true, content: { "application/json": { schema: resolver(body) } } } }),
    parameters: Object.entries(query).map(([name, description]) => ({
      in: "query" as const,
      name,
      description,
      schema: { type: "string" as const },
    })),
    responses: { [status]: success, default: { description: "An error: OpenAI's shape under /v1, problem details (RFC 9457) elsewhere" } },
  });
}
