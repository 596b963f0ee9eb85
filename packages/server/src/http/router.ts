import { AppError } from "@tutti/core";
import { Hono } from "hono";
import type { App } from "../host/index.ts";
import { consoleRoutes } from "./console/index.ts";
import type { HttpEnv } from "./env.ts";
import { batchRoutes } from "./gateway/batches.ts";
import { messageBatchRoutes } from "./gateway/batches-messages.ts";
import { chatRoutes } from "./gateway/chat-routes.ts";
import { fileRoutes } from "./gateway/files.ts";
import { mediaRoutes } from "./gateway/media-routes.ts";
import { modelListRoutes } from "./gateway/model-list.ts";
import { ollamaRoutes } from "./gateway/ollama.ts";
import type { McpRoutes } from "./mcp/index.ts";
import type { ResponsesDoor } from "./gateway/responses.ts";
import type { Feed } from "./feed.ts";
import { liveRoutes, type LiveDoor } from "./live/index.ts";
import { guard } from "./guard.ts";
import type { Stays } from "./stays.ts";
import { errorResponse } from "./problem.ts";
import { agentRoutes } from "./routes/agents.ts";
import { approvalRoutes } from "./routes/approvals.ts";
import { docsRoutes } from "./routes/docs.ts";
import { eventRoutes } from "./routes/events.ts";
import { graphRoutes } from "./routes/graphs.ts";
import { healthRoutes } from "./routes/health.ts";
import { insightRoutes } from "./routes/insight.ts";
import { steeringRoutes } from "./routes/steering.ts";
import { mcpServerRoutes } from "./routes/mcp-servers.ts";
import { modelRoutes } from "./routes/models.ts";
import { panelRoutes } from "./routes/panels.ts";
import { pluginRoutes } from "./routes/plugins.ts";
import { cacheRoutes } from "./routes/cache.ts";
import { keyRoutes } from "./routes/keys.ts";
import { sessionRoutes } from "./routes/sessions.ts";
import { spendRoutes } from "./routes/spend.ts";
import { policyRoutes } from "./routes/policy.ts";
import { runListRoutes } from "./routes/run-lists.ts";
import { runRoutes } from "./routes/runs.ts";
import { savedGraphRoutes } from "./routes/saved-graphs.ts";
import { sandboxRoutes } from "./routes/sandbox.ts";
import { scheduleRoutes } from "./routes/schedules.ts";
import { supervisorRoutes } from "./routes/supervisor.ts";
import { upkeepRoutes } from "./routes/upkeep.ts";
import { routingRoutes } from "./routes/routing.ts";
import { toolImportRoutes } from "./routes/tool-imports.ts";
import { toolRoutes } from "./routes/tools.ts";
import { trustRoutes } from "./routes/trust.ts";
import { configRoutes } from "./routes/config.ts";
import { viewRoutes } from "./routes/views.ts";
import { webhookRoutes } from "./routes/webhooks.ts";

/** What routes stand on beside the app. */
interface RouterParts {
  readonly responses: ResponsesDoor;
  readonly mcp: McpRoutes;
  readonly feed: Feed;
  readonly live: LiveDoor;
  readonly stays: Stays;
}

/** All routes of an app. */
export function createRouter(app: App, { responses, mcp, feed, live, stays }: RouterParts): Hono<HttpEnv> {
  const router = new Hono<HttpEnv>();
  router.use(guard(app, stays));
  router.route("/", healthRoutes(app));
  router.route("/", modelListRoutes(app));
  router.route("/", messageBatchRoutes(app));
  router.route("/", chatRoutes(app));
  router.route("/", responses.routes);
  router.route("/", mediaRoutes(app));
  router.route("/", ollamaRoutes(app));
  router.route("/", fileRoutes(app));
  router.route("/", batchRoutes(app));
  router.route("/", modelRoutes(app));
  router.route("/", cacheRoutes(app));
  router.route("/", keyRoutes(app));
  router.route("/", sessionRoutes(app));
  router.route("/", spendRoutes(app));
  router.route("/", agentRoutes(app));
  router.route("/", approvalRoutes(app));
  router.route("/", steeringRoutes(app));
  router.route("/", upkeepRoutes(app));
  router.route("/", insightRoutes(app));
  router.route("/", graphRoutes(app));
  router.route("/", savedGraphRoutes(app));
  router.route("/", scheduleRoutes(app));
  router.route("/", supervisorRoutes(app));
  router.route("/", sandboxRoutes(app));
  router.route("/", runListRoutes(app));
  router.route("/", runRoutes(app, feed));
  router.route("/", liveRoutes(live));
  router.route("/", toolRoutes(app));
  router.route("/", toolImportRoutes(app));
  router.route("/", pluginRoutes(app));
  router.route("/", panelRoutes(app));
  router.route("/", routingRoutes(app));
  router.route("/", policyRoutes(app));
  router.route("/", trustRoutes(app));
  router.route("/", eventRoutes(app));
  router.route("/", webhookRoutes(app, app.events));
  router.route("/", mcpServerRoutes(app));
  router.route("/", mcp.routes);
  router.route("/", viewRoutes(app));
  router.route("/", configRoutes(app));
  router.route("/", consoleRoutes(app));
  router.route("/", docsRoutes(router));
  router.notFound((ctx) => {
    const { method, path } = ctx.req;
    const allowed = METHODS.filter((one) => hasRoute(router, one, path));
    const error =
      allowed.length === 0
        ? new AppError("not_found", `wanted a route, got ${method} ${path}, which is none; /docs lists them`)
        : new AppError("method_not_allowed", `wanted ${allowed.join(" or ")} of ${path}, got ${method}; /docs says what each does`);
    const response = errorResponse(error, path, ctx.get("requestId"));
    if (allowed.length > 0) response.headers.set("allow", allowed.join(", "));
    return response;
  });
  router.onError((thrown, ctx) => {
    const error = AppError.from(thrown);
    if (error.code === "internal") app.logger.error({ requestId: ctx.get("requestId"), error: thrown }, "a request failed");
    const response = errorResponse(error, ctx.req.path, ctx.get("requestId"));
    if (ctx.req.path.startsWith("/v1/messages")) response.headers.set("request-id", ctx.get("requestId"));
    return response;
  });
  return router;
}

/** The methods that routes have. */
const METHODS = ["GET", "POST", "PUT", "DELETE"] as const;

/** Whether anything but what stands before all routes is there. */
function hasRoute({ router }: Hono<HttpEnv>, method: string, path: string): boolean {
  return router.match(method, path)[0].length > router.match(NO_METHOD, path)[0].length;
}

/** No route has it, so that only what stands before all routes matches. */
const NO_METHOD = "TRACE";
